using System.Buffers;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>A frame between its reservation and the wire.</summary>
public sealed class SendSlot(SendAction action)
{
    private readonly TaskCompletionSource _filled = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The action that reserved the slot.</summary>
    public SendAction Action { get; } = action;

    /// <summary>The log records, for a frame of records.</summary>
    public ArrayBufferWriter<byte>? Log { get; init; }

    /// <summary>The sealed frame, from the pool.</summary>
    public byte[] Frame { get; private set; } = [];

    /// <summary>The length of the sealed frame in bytes.</summary>
    public int Length { get; private set; }

    /// <summary>Completes when the frame is sealed.</summary>
    public Task Filled => _filled.Task;

    /// <summary>Stores the sealed frame and completes <see cref="Filled"/>.</summary>
    public void Fill(byte[] frame, int length)
    {
        (Frame, Length) = (frame, length);
        _filled.SetResult();
    }
}
