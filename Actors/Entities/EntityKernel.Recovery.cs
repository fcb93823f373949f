using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <content>Loading, supervision and quarantine.</content>
public sealed partial class EntityKernel<TAggregate, TState, TCommand, TEvent>
{
    private readonly List<DateTimeOffset> _failures = new(0);
    private long _snapshotAt;
    private bool _wasQuarantined;

    private void BeginLoad()
    {
        Phase = EntityPhase.Loading;
        State = TAggregate.Initial;
        Head = StreamHead.Start;
        _outputs.Add(new EntityOutput.ReadSnapshot());
    }

    private void TakeSnapshot(StoredSnapshot? snapshot)
    {
        var used = snapshot is not null && TryUse(snapshot);
        _snapshotAt = used ? Head.Sequence : 0;
        _recent.Clear(coversStream: !used);
        _outputs.Add(new EntityOutput.ReadStream(Head));
    }

    private bool TryUse(StoredSnapshot snapshot)
    {
        var objection =
            snapshot.Version != _codec.SnapshotVersion
                ? $"it has version {snapshot.Version}, read is {_codec.SnapshotVersion}"
            : !snapshot.IsIntact ? "its checksum is wrong"
            : _wasQuarantined ? "the entity was in quarantine, so that the whole stream is read to be sure"
            : _failures.Count > 0 ? "the entity failed a moment ago, so that the whole stream is read to be sure"
            : null;
        if (objection is null)
        {
            try
            {
                State = _codec.DecodeState(snapshot.Payload);
                Head = snapshot.Head;
                return true;
            }
            catch (UnreadableEventException exception)
            {
                objection = exception.Message;
            }
        }

        _outputs.Add(new EntityOutput.SnapshotIgnored(objection));
        return false;
    }

    private void TakeSlice(StreamSlice slice)
    {
        for (var i = 0; i < slice.Events.Count; i++)
        {
            Fold(slice.Events[i]);
        }

        if (slice.EndOfStream)
        {
            if (!IsTimeKnown())
            {
                ReadWholeStream();
                return;
            }

            Recovered();
        }
        else
        {
            _outputs.Add(new EntityOutput.ReadStream(Head));
        }
    }

    private void Fold(StoredEvent stored)
    {
        if (stored.Sequence != Head.Sequence + 1)
        {
            throw new JournalCorruptException(_id, Head.Sequence + 1, $"event {stored.Sequence} stands in its place");
        }

        State = TAggregate.Evolve(State, _codec.Decode(stored.Name, stored.Payload));
        TAggregate.CheckInvariants(State);
        Head = new StreamHead(stored.Sequence, stored.Hash);
        _lastDecided = stored.Time;
        _recent.Remember(stored.CommandId, new CommandReply.Accepted(stored.Sequence), null);
    }

    /// <summary>
    /// Whether the timers of a loaded state can be put on the steady clock (I26): a state whose snapshot no event
    /// follows does not say when it was decided, and its timers may have been set by a clock that was a year ahead.
    /// </summary>
    private bool IsTimeKnown() => _loadedBefore || Head.Sequence == 0 || _lastDecided != DateTimeOffset.MinValue
        || !TAggregate.Timers(State).Any(timer => timer.DueAt > _now.Steady);

    private void ReadWholeStream()
    {
        _outputs.Add(new EntityOutput.SnapshotIgnored(
            "no event follows it that says when the timers were set, so that the whole stream is read"));
        State = TAggregate.Initial;
        Head = StreamHead.Start;
        _snapshotAt = 0;
        _recent.Clear(coversStream: true);
        _outputs.Add(new EntityOutput.ReadStream(Head));
    }

    private void Recovered()
    {
        var outstanding = TAggregate.Outstanding(State);
        Owe(new Owed(Armed(TAggregate.Timers(State), LoadedAt()), !outstanding.IsEmpty));
        _loadedBefore = true;
        Phase = EntityPhase.Ready;
        foreach (var effect in outstanding)
        {
            _outputs.Add(new EntityOutput.Dispatch(effect));
        }

        SnapshotIfDue();
        if (_work is not null)
        {
            Decide(_work);
        }
    }

    private void SnapshotIfDue()
    {
        if (Head.Sequence - _snapshotAt >= _options.SnapshotEvery)
        {
            _snapshotAt = Head.Sequence;
            var snapshot = StoredSnapshot.Create(_id, _codec.SnapshotVersion, Head, _codec.EncodeState(State));
            _outputs.Add(new EntityOutput.SaveSnapshot(snapshot));
        }
    }

    private void TakeReadFailure(Exception cause)
    {
        if (cause is not JournalUnavailableException)
        {
            Fail(cause);
        }
        else if (Phase == EntityPhase.LookingUp)
        {
            Phase = EntityPhase.Ready;
            Finish(new CommandReply.Unavailable(UnavailableReason.JournalUnavailable, cause.Message));
        }
        else
        {
            Stop(UnavailableReason.JournalUnavailable, cause.Message);
        }
    }

    private void Fail(Exception cause)
    {
        _failures.RemoveAll(at => _now.Steady - at >= _options.RestartWindow);
        _failures.Add(_now.Steady);

        // Reading damaged or unknown data again cannot help; anything else gets its chances.
        var hopeless = cause is JournalCorruptException or UnreadableEventException;
        if (hopeless || _failures.Count > _options.RestartBudget)
        {
            Quarantine(cause);
            return;
        }

        Finish(new CommandReply.Unavailable(UnavailableReason.EntityFailed, Describe(cause)));
        _outputs.Add(new EntityOutput.Restarted(cause));
        BeginLoad();
    }

    private void Quarantine(Exception cause)
    {
        _quarantineCause = $"{_id} is out of service: {Describe(cause)}";
        Phase = EntityPhase.Quarantined;
        Finish(new CommandReply.Quarantined(_quarantineCause));
        Owe(new Owed([], Effects: false));
        _outputs.Add(new EntityOutput.Quarantined(_quarantineCause, cause));
        Arm(null);
    }

    private void LiftQuarantine()
    {
        if (Phase == EntityPhase.Quarantined)
        {
            _quarantineCause = null;
            _wasQuarantined = true;
            _failures.Clear();
            BeginLoad();
        }
    }

    private static string Describe(Exception cause) =>
        cause is JournalCorruptException or UnreadableEventException or ImpossibleEventException
            or InvariantViolationException
            ? cause.Message
            : $"{cause.GetType().Name}: {cause.Message}";
}
