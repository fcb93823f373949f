using System.Buffers;
using System.Collections.Concurrent;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// The buffers into which log batches are read. A buffer that a very large record made grow is not kept.
/// </summary>
public sealed class LogBuffers
{
    private const int LargestKept = 4 << 20;
    private const int MostKept = 16;
    private readonly ConcurrentBag<ArrayBufferWriter<byte>> _idle = [];

    /// <summary>Returns an empty buffer.</summary>
    public ArrayBufferWriter<byte> Rent() => _idle.TryTake(out var buffer) ? buffer : new ArrayBufferWriter<byte>();

    /// <summary>Returns a buffer to the pool.</summary>
    public void Return(ArrayBufferWriter<byte> buffer)
    {
        if (buffer.Capacity <= LargestKept && _idle.Count < MostKept)
        {
            buffer.ResetWrittenCount();
            _idle.Add(buffer);
        }
    }
}
