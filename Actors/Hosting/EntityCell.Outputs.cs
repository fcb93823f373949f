using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Hosting;

/// <content>Carries out what the kernel asks for.</content>
internal sealed partial class EntityCell<TAggregate, TState, TCommand, TEvent>
{
    private const int EventsPerRead = 1_000;

    private void Advance(EntityInput<TCommand> input)
    {
        for (EntityInput<TCommand>? next = input; next is not null;)
        {
            next = CarryOut(_kernel.Step(next, _region.Services.Clock.Now));
        }
    }

    /// <summary>Returns the answer to the step's question, if there was one that could be answered at once.</summary>
    private EntityInput<TCommand>? CarryOut(IReadOnlyList<EntityOutput> outputs)
    {
        EntityInput<TCommand>? answer = null;
        for (var i = 0; i < outputs.Count; i++)
        {
            switch (outputs[i])
            {
                case EntityOutput.Append append:
                    answer = NowOrLater(AppendAsync(append.Request));
                    break;
                case EntityOutput.Reply reply:
                    Answer(reply.Answer);
                    break;
                case EntityOutput.Dispatch dispatch:
                    _region.Effects.Dispatch(_id, dispatch.Effect);
                    break;
                case EntityOutput.SetAlarm alarm:
                    _region.Alarms.Set(_id, alarm.Due);
                    break;
                case EntityOutput.ReadSnapshot:
                    answer = NowOrLater(ReadSnapshotAsync());
                    break;
                case EntityOutput.ReadStream read:
                    answer = NowOrLater(ReadStreamAsync(read.After));
                    break;
                case EntityOutput.FindCommand find:
                    answer = NowOrLater(FindCommandAsync(find.CommandId));
                    break;
                case EntityOutput.TakeEpoch take:
                    answer = NowOrLater(TakeEpochAsync(take.Stale));
                    break;
                case EntityOutput.SaveSnapshot save:
                    _ = SaveSnapshotAsync(save.Snapshot);
                    break;
                case { } told:
                    Tell(told);
                    break;
            }
        }

        return answer;
    }

    private void Tell(EntityOutput output)
    {
        var services = _region.Services;
        switch (output)
        {
            case EntityOutput.SnapshotIgnored ignored:
                services.Logger.SnapshotIgnored(_id, ignored.Reason);
                break;
            case EntityOutput.Restarted restarted:
                services.Telemetry.EntityRestarted(_id.Type);
                services.Logger.EntityRestarted(_id, restarted.Cause);
                break;
            case EntityOutput.Quarantined quarantined:
                services.Telemetry.EntityQuarantined(_id.Type);
                // The sentence names damaged data; where the code met it says nothing. A bug is found by its stack.
                services.Logger.EntityQuarantined(
                    quarantined.Cause,
                    quarantined.Exception is JournalCorruptException or UnreadableEventException
                        ? null : quarantined.Exception);
                break;
            case EntityOutput.Passivated:
                Retire();
                PassOnRest();
                break;
            case EntityOutput.Stopped stopped:
                services.Logger.EntityStopped(_id, stopped.Reason, stopped.Message);
                Retire();
                DeclineRest(new CommandReply.Unavailable(stopped.Reason, stopped.Message));
                _region.WakeLater(_id, stopped.Reason);
                break;
            default:
                throw new InvalidOperationException($"The cell of {_id} does not know the output {output}.");
        }
    }

    private void Answer(CommandReply reply)
    {
        var letter = _current!;
        _current = null;
        _region.Services.Telemetry.CommandAnswered(_id.Type, reply);
        letter.TrySetResult(reply);
    }

    private EntityInput<TCommand>? NowOrLater(ValueTask<EntityInput<TCommand>> question)
    {
        if (question.IsCompletedSuccessfully)
        {
            return question.Result;
        }

        _ = LaterAsync(question);
        return null;
    }

    /// <summary>The questions below turn every exception into an input, so this awaits without a catch.</summary>
    private async Task LaterAsync(ValueTask<EntityInput<TCommand>> question)
    {
        Volatile.Write(ref _answer, await question);
        TryRun();
    }

    private async ValueTask<EntityInput<TCommand>> AppendAsync(AppendRequest request)
    {
        AppendOutcome outcome;
        try
        {
            outcome = await _region.Services.Stores.Journal.AppendAsync(request, CancellationToken.None);
        }
        catch (Exception exception)
        {
            _region.Services.Logger.AppendThrew(_id, exception);
            outcome = new AppendOutcome.Unknown(exception.Message);
        }

        switch (outcome)
        {
            case AppendOutcome.Appended:
                _region.Services.Telemetry.EventsAppended(_id.Type, request.Events.Length);
                _region.Services.Pulse.Signal();
                break;
            case AppendOutcome.Unknown unknown:
                _region.Services.Logger.AppendUnknown(_id, unknown.Cause);
                break;
            case AppendOutcome.Fenced fenced
                when await _region.Lease.IsOwnAsync(fenced.CurrentEpoch, CancellationToken.None):
                // This node took the newer epoch itself, to settle another entity's append. Settle this one likewise.
                outcome = new AppendOutcome.Unknown("this node has taken a newer epoch meanwhile");
                break;
        }

        return new EntityInput<TCommand>.AppendJudged(outcome);
    }

    private async ValueTask<EntityInput<TCommand>> ReadSnapshotAsync()
    {
        try
        {
            var snapshot = await _region.Services.Stores.Snapshots.LoadAsync(_id, CancellationToken.None);
            return new EntityInput<TCommand>.SnapshotRead(snapshot);
        }
        catch (Exception exception)
        {
            return new EntityInput<TCommand>.ReadFailed(exception);
        }
    }

    private async ValueTask<EntityInput<TCommand>> ReadStreamAsync(StreamHead after)
    {
        try
        {
            return new EntityInput<TCommand>.StreamRead(await _region.Services.Stores.Journal.ReadStreamAsync(
                _id, after, EventsPerRead, CancellationToken.None));
        }
        catch (Exception exception)
        {
            return new EntityInput<TCommand>.ReadFailed(exception);
        }
    }

    private async ValueTask<EntityInput<TCommand>> FindCommandAsync(Engine.Identifiers.CommandId commandId)
    {
        try
        {
            return new EntityInput<TCommand>.CommandFound(
                await _region.Services.Stores.Journal.FindCommandAsync(_id, commandId, CancellationToken.None));
        }
        catch (Exception exception)
        {
            return new EntityInput<TCommand>.ReadFailed(exception);
        }
    }

    private async ValueTask<EntityInput<TCommand>> TakeEpochAsync(FencingToken stale)
    {
        try
        {
            return new EntityInput<TCommand>.EpochTaken(
                await _region.Lease.TakeNewerAsync(stale, CancellationToken.None));
        }
        catch (Exception exception)
        {
            return new EntityInput<TCommand>.EpochRefused(exception.Message);
        }
    }

    private async Task SaveSnapshotAsync(StoredSnapshot snapshot)
    {
        try
        {
            await _region.Services.Stores.Snapshots.SaveAsync(snapshot, CancellationToken.None);
        }
        catch (Exception exception)
        {
            _region.Services.Logger.SnapshotNotSaved(_id, exception);
        }
    }
}
