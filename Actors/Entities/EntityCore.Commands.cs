using System.Collections.Immutable;
using System.Runtime.InteropServices;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <content>Deciding commands and handling what the journal says to their events.</content>
public sealed partial class EntityCore<TAggregate, TState, TCommand, TEvent>
{
    private void TakeCommand(CommandEnvelope<TCommand> envelope)
    {
        if (Phase == EntityPhase.Quarantined)
        {
            _outputs.Add(new CoreOutput.Reply(envelope.Id, new CommandReply.Quarantined(QuarantineCause!)));
            return;
        }

        _work = new Work(envelope, timer: null);
        var journalMayTakeItTwice = _memory.IsDoubted(envelope.Id) || _memory.EventsMayBeArchived;
        if (journalMayTakeItTwice && !_window.CoversStream && _window.Find(envelope.Id) is null)
        {
            LookUp(_work);
        }
        else
        {
            Decide(_work);
        }
    }

    private void Decide(Work work)
    {
        var envelope = work.Envelope;
        if (_window.Find(envelope.Id) is { } known)
        {
            Finish(IsAnother(envelope, known.Digest)
                ? new CommandReply.Refused(new CommandIdReused(envelope.Id)) : known.Reply);
            return;
        }

        var context = new DecisionContext(_now.Wall, envelope.Id, envelope.Actor)
        {
            Steady = _now.InLife, Digest = envelope.Digest,
        };
        var decision = TAggregate.Decide(State, envelope.Command, context);
        switch (decision)
        {
            case Decision<TEvent>.Accepted { Events.IsEmpty: false } accepted:
                Propose(work, context, accepted.Events);
                break;
            case Decision<TEvent>.Refused or Decision<TEvent>.Accepted when MayBeOldNews(work):
                LookUp(work);
                break;
            case Decision<TEvent>.Refused refused:
                FinishForGood(new CommandReply.Refused(refused.Refusal));
                break;
            default:
                FinishForGood(new CommandReply.Accepted(Head.Sequence));
                break;
        }
    }

    /// <summary>Whether an id that is known belongs to another request.</summary>
    private static bool IsAnother(CommandEnvelope<TCommand> envelope, string? known) =>
        envelope.Digest is { } digest && !string.Equals(known, digest, StringComparison.Ordinal);

    /// <summary>
    /// A command that changes nothing now may have been accepted long ago and been delivered once more. One that does
    /// change something needs no look: a journal takes each command id once per stream, and a command whose persist
    /// failed is looked up when it comes again; where events have left the journal, each command is looked up first.
    /// </summary>
    private bool MayBeOldNews(Work work) => !work.LookedUp && work.Timer is null && !_window.CoversStream;

    private void LookUp(Work work)
    {
        work.LookedUp = true;
        Phase = EntityPhase.LookingUp;
        _outputs.Add(new CoreOutput.FindCommand(work.Envelope.Id));
    }

    private void Propose(Work work, DecisionContext context, ImmutableArray<TEvent> events)
    {
        var state = State;
        foreach (var @event in events)
        {
            state = TAggregate.Evolve(state, @event);
            TAggregate.CheckInvariants(state);
        }

        work.State = state;
        work.Timers = Armed(TAggregate.Timers(state), recovered: false);
        work.Effects = TAggregate.Outstanding(state);
        work.DecidedAt = context.Now;
        var command = _codec.EncodeCommand(work.Envelope.Command);
        var recorded = new RecordedCommand(
            command.Name, command.Payload, context.Digest, context.Steady,
            new WakeMark(EarliestDue(work.Timers), !work.Effects.IsEmpty));
        var stored = new StoredEvent[events.Length];
        var head = Head;
        for (var i = 0; i < stored.Length; i++)
        {
            stored[i] = EventChain.Seal(
                head, _codec.Encode(events[i]), context.Now, context.Actor, context.CommandId,
                i == stored.Length - 1 ? recorded : null);
            head = stored[i].Head;
        }

        work.Head = head;
        Phase = EntityPhase.Persisting;
        _outputs.Add(new CoreOutput.Persist(ImmutableCollectionsMarshal.AsImmutableArray(stored)));
    }

    private void Commit(Work work)
    {
        State = work.State!;
        Head = work.Head;
        _decidedAt = work.DecidedAt;
        Arm(work.Timers);
        Phase = EntityPhase.Ready;
        FinishForGood(new CommandReply.Accepted(Head.Sequence));
        SettleEffects(work.Effects);
        SnapshotIfDue();
    }

    private void TakeLookup(CommandRecord? record)
    {
        var work = _work!;
        Phase = EntityPhase.Ready;
        if (record is null)
        {
            Decide(work);
        }
        else if (IsAnother(work.Envelope, record.Digest))
        {
            Finish(new CommandReply.Refused(new CommandIdReused(work.Envelope.Id)));
        }
        else
        {
            _window.Remember(record.CommandId, new CommandReply.Accepted(record.LastSequence), record.Digest);
            Finish(new CommandReply.Accepted(record.LastSequence));
        }
    }

    private void LoseTrack(string message)
    {
        if (_work!.Timer is null)
        {
            _memory.Doubt(_work.Envelope.Id);
            Finish(new CommandReply.Unavailable(UnavailableReason.JournalUnavailable, message));
        }

        // A timer stays due: the next core sees whether its command was carried out, and else gives it at once.
        _work = null;
        End(new CoreOutput.Restart(null));
    }

    /// <summary>Starts what is owed and was not, cancels what was and is not.</summary>
    private void SettleEffects(ImmutableArray<Effect> owed)
    {
        if (owed.IsEmpty && _running.IsEmpty)
        {
            return;
        }

        foreach (var running in _running)
        {
            if (!owed.Any(effect => effect.Id == running))
            {
                _outputs.Add(new CoreOutput.CancelEffect(running));
            }
        }

        foreach (var effect in owed)
        {
            if (!_running.Contains(effect.Id))
            {
                _outputs.Add(new CoreOutput.StartEffect(effect));
            }
        }

        _running = [.. owed.Select(effect => effect.Id)];
    }

    /// <summary>
    /// Answers, and gives the same answer to the same command from now on. A timer whose command changed nothing is
    /// decided anew when it is tried again: by then it may.
    /// </summary>
    private void FinishForGood(CommandReply reply)
    {
        if (_work!.Timer is null)
        {
            _window.Remember(_work.Envelope.Id, reply, _work.Envelope.Digest);
        }

        Finish(reply);
    }

    private void Finish(CommandReply reply)
    {
        if (_work is not { } work)
        {
            return;
        }

        _work = null;
        if (work.Timer is null)
        {
            _outputs.Add(new CoreOutput.Reply(work.Envelope.Id, reply));
        }
        else
        {
            Hold(work.Timer);
        }
    }
}
