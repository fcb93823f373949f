using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <content>Deciding commands and handling what the journal says to their events.</content>
public sealed partial class EntityKernel<TAggregate, TState, TCommand, TEvent>
{
    private void TakeCommand(CommandEnvelope<TCommand> envelope)
    {
        if (Phase == EntityPhase.Quarantined)
        {
            _outputs.Add(new EntityOutput.Reply(envelope.Id, new CommandReply.Quarantined(_quarantineCause!)));
            return;
        }

        _work = new Work(envelope, timer: null);
        Decide(_work);
    }

    private void Decide(Work work)
    {
        if (_recent.Find(work.Envelope.Id) is { } known)
        {
            Finish(known);
            return;
        }

        var context = new DecisionContext(_now.Wall, work.Envelope.Id, work.Envelope.Actor) { Steady = _now.InLife };
        switch (TAggregate.Decide(State, work.Envelope.Command, context))
        {
            case Decision<TEvent>.Accepted { Events.IsEmpty: false } accepted:
                work.Events = accepted.Events;
                Propose(work, context);
                break;
            case Decision<TEvent>.Refused or Decision<TEvent>.Accepted when MayBeOldNews(work):
                Phase = EntityPhase.LookingUp;
                _outputs.Add(new EntityOutput.FindCommand(work.Envelope.Id));
                break;
            case Decision<TEvent>.Refused refused:
                FinishForGood(new CommandReply.Refused(refused.Refusal));
                break;
            default:
                FinishForGood(new CommandReply.Accepted(Head.Sequence));
                break;
        }
    }

    /// <summary>
    /// A command that changes nothing now may have been accepted long ago and been delivered once more. One that does
    /// change something needs no look: the journal itself recognises it when it is appended.
    /// </summary>
    private bool MayBeOldNews(Work work) => !work.LookedUp && work.Timer is null && !_recent.CoversStream;

    private void Propose(Work work, DecisionContext context)
    {
        var count = work.Events.Length;
        var states = new TState[count];
        var encoded = new EncodedEvent[count];
        var state = State;
        for (var i = 0; i < count; i++)
        {
            state = TAggregate.Evolve(state, work.Events[i]);
            TAggregate.CheckInvariants(state);
            states[i] = state;
            encoded[i] = _codec.Encode(work.Events[i]);
        }

        work.States = states;
        work.Owed = new Owed(Armed(TAggregate.Timers(state), _now.Wall), !TAggregate.Outstanding(state).IsEmpty);
        var wake = new WakeMark(EarliestDue(work.Owed.Timers), work.Owed.Effects);
        work.Request = AppendRequest.Create(_id, _token, Head, context, encoded, wake);
        Phase = EntityPhase.Appending;
        _outputs.Add(new EntityOutput.Append(work.Request));
    }

    private void TakeOutcome(AppendOutcome outcome)
    {
        var work = _work!;
        switch (outcome)
        {
            case AppendOutcome.Appended:
                Commit(work);
                break;
            case AppendOutcome.Duplicate duplicate:
                Phase = EntityPhase.Ready;
                FinishForGood(new CommandReply.Accepted(duplicate.Command.LastSequence));
                break;
            case AppendOutcome.VersionConflict when ++work.Conflicts > _options.ConflictBudget:
                Finish(new CommandReply.Unavailable(
                    UnavailableReason.Contended,
                    $"{_id} was changed by others {work.Conflicts} times; send it again."));
                BeginLoad();
                break;
            case AppendOutcome.VersionConflict:
                BeginLoad();
                break;
            case AppendOutcome.Fenced fenced:
                Stop(
                    UnavailableReason.Fenced,
                    $"{_id} is owned by epoch {fenced.CurrentEpoch} of {_token.Lease}, this is {_token.Epoch}.");
                break;
            case AppendOutcome.JournalFull full:
                Phase = EntityPhase.Ready;
                Finish(new CommandReply.Unavailable(UnavailableReason.JournalFull, full.Message));
                break;
            case AppendOutcome.Unknown:
                Phase = EntityPhase.TakingEpoch;
                _outputs.Add(new EntityOutput.TakeEpoch(_token));
                break;
            default:
                throw new InvalidOperationException($"The kernel of {_id} does not know the outcome {outcome}.");
        }
    }

    private void Commit(Work work)
    {
        State = work.States[^1];
        Head = work.Request!.NewHead;
        Owe(work.Owed);
        Phase = EntityPhase.Ready;
        FinishForGood(new CommandReply.Accepted(Head.Sequence));
        for (var i = 0; i < work.Events.Length; i++)
        {
            foreach (var effect in TAggregate.React(work.States[i], work.Events[i]))
            {
                _outputs.Add(new EntityOutput.Dispatch(effect));
            }
        }

        SnapshotIfDue();
    }

    private void TakeLookup(CommandRecord? record)
    {
        var work = _work!;
        Phase = EntityPhase.Ready;
        work.LookedUp = true;
        if (record is null)
        {
            Decide(work);
        }
        else
        {
            FinishForGood(new CommandReply.Accepted(record.LastSequence));
        }
    }

    /// <summary>
    /// Answers, and gives the same answer to the same command from now on. A timer whose command changed nothing is
    /// decided anew when it is tried again: by then it may.
    /// </summary>
    private void FinishForGood(CommandReply reply)
    {
        if (_work!.Timer is null)
        {
            _recent.Remember(_work.Envelope.Id, reply);
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
            _outputs.Add(new EntityOutput.Reply(work.Envelope.Id, reply));
        }
        else
        {
            Hold(work.Timer);
        }
    }
}
