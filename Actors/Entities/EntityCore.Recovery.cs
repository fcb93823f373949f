using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <content>Recovery, failures and quarantine.</content>
public sealed partial class EntityCore<TAggregate, TState, TCommand, TEvent>
{
    private ImmutableArray<EffectId> _running = [];
    private Exception? _failed;
    private bool _readToEnd;
    private long _snapshotAt;

    private bool IsReading => Phase == EntityPhase.Recovering && !_readToEnd;

    private void TakeSnapshot(EntitySnapshot snapshot)
    {
        var objection =
            snapshot.Version != _codec.SnapshotVersion
                ? $"it has version {snapshot.Version}, read is {_codec.SnapshotVersion}"
            : !snapshot.IsIntact ? "its checksum is wrong"
            : null;
        if (objection is null)
        {
            try
            {
                State = _codec.DecodeState(snapshot.Payload);
                Head = snapshot.Head;
                _decidedAt = snapshot.DecidedAt;
                _snapshotAt = Head.Sequence;
                _window.Restore(snapshot.Commands, snapshot.CoversStream);
                NoteTimers(_decidedAt);
                return;
            }
            catch (UnreadableEventException exception)
            {
                objection = exception.Message;
            }
        }

        IgnoreSnapshot(objection);
    }

    /// <summary>A host has begun to read behind the snapshot: only another recovery can do without it.</summary>
    private void IgnoreSnapshot(string objection)
    {
        _memory.ReadsWholeStream = true;
        _outputs.Add(new CoreOutput.SnapshotIgnored(objection));
        End(new CoreOutput.Restart(null));
    }

    private void TakeUnreadable(CoreInput<TCommand>.Unreadable unreadable)
    {
        if (unreadable.IsSnapshot)
        {
            IgnoreSnapshot(unreadable.Record.Reason);
        }
        else
        {
            throw new JournalCorruptException(
                _id, Head.Sequence + 1, $"'{unreadable.Record.Name}' {unreadable.Record.Reason}");
        }
    }

    private void Fold(StoredEvent stored)
    {
        Head = EventChain.Verify(_id, Head, stored);
        State = TAggregate.Evolve(State, _codec.Decode(stored.Name, stored.Payload));
        TAggregate.CheckInvariants(State);
        _decidedAt = stored.Time;
        if (stored.Command is { } command)
        {
            _window.Remember(stored.CommandId, new CommandReply.Accepted(stored.Sequence), command.Digest);
            if (!_memory.Recovered)
            {
                NoteTimers(stored.Time);
            }
        }
    }

    private void FinishRecovery()
    {
        if (Phase == EntityPhase.Ended)
        {
            return;
        }

        _readToEnd = true;
        if (_failed is { } failed)
        {
            throw failed;
        }

        var outstanding = TAggregate.Outstanding(State);
        Arm(Armed(TAggregate.Timers(State), recovered: true));
        _memory.Recovered = true;
        _memory.ReadsWholeStream = false;
        Phase = EntityPhase.Ready;
        SettleEffects(outstanding);
        SnapshotIfDue();
    }

    private void SnapshotIfDue()
    {
        if (Head.Sequence - _snapshotAt >= _options.SnapshotEvery)
        {
            _snapshotAt = Head.Sequence;
            _outputs.Add(new CoreOutput.SaveSnapshot(EntitySnapshot.Create(
                _codec.SnapshotVersion, Head, _decidedAt, _codec.EncodeState(State), _window.Accepted(),
                _window.CoversStream)));
        }
    }

    private void Fail(Exception cause)
    {
        if (IsReading)
        {
            // The host reads on to the end; what to do is decided then.
            _failed = cause;
            return;
        }

        ForgetOldFailures();
        _memory.Failures.Add(_now.Steady);

        // Reading damaged or unknown data again cannot help; anything else gets its chances, from the whole stream.
        var hopeless = cause is JournalCorruptException or UnreadableEventException;
        if (hopeless || _memory.Failures.Count > _options.RestartBudget)
        {
            Quarantine(cause);
            return;
        }

        _memory.ReadsWholeStream = true;
        Finish(new CommandReply.Unavailable(UnavailableReason.EntityFailed, Describe(cause)));
        End(new CoreOutput.Restart(cause));
    }

    private void ForgetOldFailures() =>
        _memory.Failures.RemoveAll(at => _now.Steady - at >= _options.RestartWindow);

    private void Quarantine(Exception cause)
    {
        QuarantineCause = $"{_id} is out of service: {Describe(cause)}";
        Phase = EntityPhase.Quarantined;
        Finish(new CommandReply.Quarantined(QuarantineCause));
        SettleEffects([]);
        _outputs.Add(new CoreOutput.Quarantined(QuarantineCause, cause));
        Wake(null);
    }

    private void LiftQuarantine()
    {
        if (Phase == EntityPhase.Quarantined)
        {
            _memory.ReadsWholeStream = true;
            _memory.Failures.Clear();
            End(new CoreOutput.Restart(null));
        }
    }

    private static string Describe(Exception cause) =>
        cause is JournalCorruptException or UnreadableEventException or ImpossibleEventException
            or InvariantViolationException
            ? cause.Message
            : $"{cause.GetType().Name}: {cause.Message}";
}
