using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Receiving;

/// <summary>
/// What the receiving end does with a frame, without waiting: hands it to the replica, syncs and acknowledges when the
/// <see cref="ReceiveMachine"/> says so. The session's applier is one owner, the simulator another. Not safe to use
/// from several threads.
/// </summary>
public sealed class ReceiveSteps(
    IReplicaSink sink, SenderIdentity sender, ReceiveOptions options, ulong firstSequence)
{
    private readonly ReceiveMachine _machine = new(options, firstSequence);
    private readonly FrameApplier _applier = new(sink, sender);
    private ChangePosition _durable = sink.Position.Durable;

    /// <summary>The sender said that nothing more comes.</summary>
    public bool Closed => _machine.Closed;

    /// <summary>When a sync will be due by the passing of time.</summary>
    public TimeSpan? SyncAt => _machine.SyncAt;

    /// <summary>Applies a frame; returns the answer it asks for, or null.</summary>
    public byte[]? Apply(FrameType type, ulong sequence, ReadOnlyMemory<byte> payload, TimeSpan now)
    {
        var answer = _applier.Apply(type, sequence, payload);
        _machine.Apply(type, sequence, payload.Length, now);
        return answer;
    }

    /// <summary>Syncs when that is due; returns the acknowledgement to be sent now, or null.</summary>
    /// <param name="idle">No frame is waiting.</param>
    /// <param name="now">The time; it only rises.</param>
    public byte[]? Settle(bool idle, TimeSpan now)
    {
        if (_machine.SyncDue(now))
        {
            _durable = sink.Sync();
            _machine.Synced();
            options.PositionMoved?.Invoke(sink.Position);
        }

        if (!_machine.AckDue(idle))
        {
            return null;
        }

        _machine.Acked();
        return AckPayload.Ack(_machine.Applied, _machine.Durable, _durable);
    }
}
