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
        var context = new DecisionContext(_now.Wall, work.Envelope.Id, work.Envelope.Actor)
        {
            Steady = _now.InLife, Digest = work.Envelope.Digest,
        };
        if (_recent.Find(work.Envelope.Id) is { } known)
        {
            Finish(IsAnother(work, known.Digest, context)
                ? new CommandReply.Refused(new CommandIdReused(work.Envelope.Id)) : known.Reply);
            return;
        }

        var decision = TAggregate.Decide(State, work.Envelope.Command, context);
        switch (decision)
        {
            case Decision<TEvent>.Accepted { Events.IsEmpty: false } accepted:
                work.Events = accepted.Events;
                Propose(work, context);
                break;
            case Decision<TEvent>.Refused or Decision<TEvent>.Accepted when MayBeOldNews(work):
                work.Refused = decision is Decision<TEvent>.Refused;
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
    /// Whether the id belongs to another request. Of those answered in this life the digest is at hand; of those that
    /// the stream holds, the state knows it.
    /// </summary>
    private bool IsAnother(Work work, string? known, DecisionContext context) => work.Envelope.Digest is { } digest
        && (known is not null ? !string.Equals(known, digest, StringComparison.Ordinal)
            : TAggregate.Decide(State, work.Envelope.Command, context)
                is not Decision<TEvent>.Accepted { Events.IsEmpty: true });

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
            case AppendOutcome.Duplicate when work.Envelope.Digest is not null:
                // The state would have known the same request, unless it is too old to be compared.
                Phase = EntityPhase.Ready;
                Finish(new CommandReply.Refused(new CommandIdReused(work.Envelope.Id)));
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
        else if (work is { Envelope.Digest: not null, Refused: true })
        {
            Finish(new CommandReply.Refused(new CommandIdReused(work.Envelope.Id)));
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
            _recent.Remember(_work.Envelope.Id, reply, _work.Envelope.Digest);
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
