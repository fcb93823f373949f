using System.Buffers;
using System.Collections.Concurrent;

namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>
/// The buffers of one session. Small ones come from the shared pool; chunk-sized ones are kept here, because the shared
/// pool rounds a chunk and its table up to twice its size; larger ones (a record over a chunk is rare) are not kept.
/// </summary>
public sealed class BufferPool
{
    /// <summary>The size in bytes of a buffer for a chunk of disk or log with its overhead in a frame.</summary>
    public const int ChunkCapacity = (1 << 20) + (8 << 10);

    private const int SmallCapacity = 512 << 10;
    private const int KeptChunks = 64;
    private readonly ConcurrentBag<byte[]> _chunks = [];

    /// <summary>Returns a buffer of at least so many bytes, with any content.</summary>
    public byte[] Rent(int size) => size switch
    {
        <= SmallCapacity => ArrayPool<byte>.Shared.Rent(size),
        <= ChunkCapacity => _chunks.TryTake(out var chunk) ? chunk : GC.AllocateUninitializedArray<byte>(ChunkCapacity),
        _ => GC.AllocateUninitializedArray<byte>(size),
    };

    /// <summary>Returns a buffer to the pool.</summary>
    public void Return(byte[] buffer)
    {
        if (buffer.Length <= SmallCapacity)
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
        else if (buffer.Length == ChunkCapacity && _chunks.Count < KeptChunks)
        {
            _chunks.Add(buffer);
        }
    }
}
