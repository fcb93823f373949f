using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Receiving;

/// <summary>
/// Processes frames at the receiving end without waiting: passes them to the replica, and syncs and acknowledges when
/// the <see cref="ReceiveMachine"/> decides so. Used by the session's applier and by the simulator. Not safe to use
/// from several threads.
/// </summary>
public sealed class ReceiveSteps(
    IReplicaSink sink, SenderIdentity sender, ReceiveOptions options, ulong firstSequence)
{
    private readonly ReceiveMachine _machine = new(options, firstSequence);
    private readonly FrameApplier _applier = new(sink, sender);
    private ChangePosition _durable = sink.Position.Durable;

    /// <summary>Whether the sender has closed the session.</summary>
    public bool Closed => _machine.Closed;

    /// <inheritdoc cref="ReceiveMachine.SyncIn"/>
    public TimeSpan? SyncIn(TimeSpan now) => _machine.SyncIn(now);

    /// <summary>Applies a frame; returns the reply to send, or null.</summary>
    public byte[]? Apply(FrameType type, ulong sequence, ReadOnlyMemory<byte> payload, TimeSpan now)
    {
        var answer = _applier.Apply(type, sequence, payload);
        _machine.Apply(type, sequence, payload.Length, now);
        return answer;
    }

    /// <summary>Syncs if that is due; returns the acknowledgement to send now, or null.</summary>
    /// <param name="idle">Whether no frame is waiting.</param>
    /// <param name="now">The current time, which only rises.</param>
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
