using System.Buffers;
using System.Collections.Concurrent;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>Buffers that log batches are read into. One that a huge record made grow is not kept.</summary>
public sealed class LogBuffers
{
    private const int LargestKept = 4 << 20;
    private const int MostKept = 16;
    private readonly ConcurrentBag<ArrayBufferWriter<byte>> _idle = [];

    /// <summary>An empty buffer.</summary>
    public ArrayBufferWriter<byte> Rent() => _idle.TryTake(out var buffer) ? buffer : new ArrayBufferWriter<byte>();

    /// <summary>Gives it back.</summary>
    public void Return(ArrayBufferWriter<byte> buffer)
    {
        if (buffer.Capacity <= LargestKept && _idle.Count < MostKept)
        {
            buffer.ResetWrittenCount();
            _idle.Add(buffer);
        }
    }
}
