// The actor of one entity: translates between Akka.Persistence and the core, and decides nothing.
//
// Akka.Persistence recovers (snapshot, then events), holds commands back until that is done and while events are being
// persisted, and stops the actor when a persist or a recovery fails. A core that has ended asks its shard to passivate
// the actor: from then on the shard buffers messages and hands them to the entity's next actor; messages already
// received are sent to the shard again. Messages that an actor left behind when it was stopped come back to their
// senders as NotDelivered (see LostMessages), and are sent again. So a message may arrive by the shard or straight (see
// EntityRegion).
using System.Diagnostics;
using Akka.Actor;
using Akka.Cluster.Sharding;
using Akka.Persistence;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Runs one entity's core as a persistent actor.</summary>
internal sealed class EntityActor<TAggregate, TState, TCommand, TEvent> : UntypedPersistentActor
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private readonly EntityRegion<TAggregate, TState, TCommand, TEvent> _region;
    private readonly PersistenceId _id;
    private readonly EntityMemory _memory;
    private readonly EntityCore<TAggregate, TState, TCommand, TEvent> _core;
    private readonly LiveEntity _live;
    private readonly EffectChildren<TCommand> _effects;
    private readonly JournalReport _report;
    private Action<StoredEvent>? _persisted;
    private IActorRef? _asker;
    private ActivityContext _asked;
    private bool _handedOver;
    private bool _moves;

    public EntityActor(EntityRegion<TAggregate, TState, TCommand, TEvent> region, PersistenceId id)
    {
        _region = region;
        _id = id;
        _memory = region.MemoryOf(id);
        _core = new(id, region.Codec, region.CoreOptions, _memory);
        PersistenceId = id.ToString();
        _effects = new(region.Effects, id, Context);
        _report = new(region.Services, id);
        _live = region.Arrived(id, Self);
    }

    public override string PersistenceId { get; }

    public override Recovery Recovery => _memory.ReadsWholeStream
        ? new Recovery(SnapshotSelectionCriteria.None)
        : Recovery.Default;

    protected override void OnRecover(object message)
    {
        switch (message)
        {
            case SnapshotOffer { Snapshot: EntitySnapshot snapshot }:
                Advance(new CoreInput<TCommand>.Offered(snapshot));
                break;
            case SnapshotOffer { Snapshot: UnreadableRecord unreadable }:
                Advance(new CoreInput<TCommand>.Unreadable(unreadable, IsSnapshot: true));
                break;
            case StoredEvent stored:
                Advance(new CoreInput<TCommand>.Replayed(stored));
                break;
            case UnreadableRecord unreadable:
                Advance(new CoreInput<TCommand>.Unreadable(unreadable, IsSnapshot: false));
                break;
            case RecoveryCompleted:
                FinishRecovery();
                break;
            default:
                var foreign = new UnreadableRecord(message.GetType().Name, "is not a record of this engine");
                Advance(new CoreInput<TCommand>.Unreadable(foreign, message is SnapshotOffer));
                break;
        }
    }

    protected override void OnCommand(object message)
    {
        _live.Open();
        switch (message)
        {
            case StopEntity:
                _moves = !_handedOver;
                Context.Stop(Self);
                break;
            case CommandLookedUp found:
                TakeLookup(found);
                break;
            case SaveSnapshotSuccess saved:
                DeleteSnapshots(new SnapshotSelectionCriteria(saved.Metadata.SequenceNr - 1));
                break;
            case SaveSnapshotFailure failure:
                _region.Services.Logger.SnapshotNotSaved(_id, failure.Cause);
                break;
            case DeleteSnapshotsSuccess:
                break;
            case DeleteSnapshotsFailure failure:
                _region.Services.Logger.SnapshotsNotDeleted(_id, failure.Cause);
                break;
            case EffectEnded ended:
                _effects.Forget(ended, Sender);
                break;
            default:
                Take(message);
                break;
        }
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _report.PersistFailed(cause, sequenceNr);

        // The actor is stopped after this: its successor learns what the journal holds.
        _handedOver = true;
        Advance(new CoreInput<TCommand>.PersistUnknown(JournalTrouble.Unknown(_id, cause)));
        _region.WakeLater(_id);
    }

    protected override void OnPersistRejected(Exception cause, object @event, long sequenceNr)
    {
        OnPersistFailure(cause, @event, sequenceNr);
        Context.Stop(Self);
    }

    protected override void OnRecoveryFailure(Exception reason, object? message = null)
    {
        _report.RecoveryFailed(reason);
        _region.WakeLater(_id);
    }

    protected override void PostStop()
    {
        _report.Close();
        _region.Left(_id, _live, _memory);
        if (_moves)
        {
            _region.MovedAway(_id, isDue: _effects.AnyRunning || !_memory.Timers.IsEmpty);
        }

        base.PostStop();
    }

    private void FinishRecovery()
    {
        if (_core.Phase == EntityPhase.Recovering && LastSequenceNr != _core.Head.Sequence)
        {
            // Unless damage was found before, which the core will report.
            var lost = new UnreadableRecord(
                "snapshot", $"was taken after event {LastSequenceNr}, where the stream ends");
            Advance(new CoreInput<TCommand>.Unreadable(lost, IsSnapshot: false));
        }

        _report.Recovered(LastSequenceNr);
        Advance(new CoreInput<TCommand>.Recovered());
    }

    private void Take(object message)
    {
        if (_core.Phase == EntityPhase.Ended)
        {
            if (message is not IdleTimedOut)
            {
                _region.SendAgain(_id, message, Sender);
            }

            return;
        }

        if (_core.Phase == EntityPhase.LookingUp)
        {
            Stash.Stash();
            return;
        }

        switch (message)
        {
            case TellCommand<TCommand> command:
                _live.Use(_region);
                (_asker, _asked) = (Sender, command.Asked);
                _memory.EventsMayBeArchived = _region.Services.Store.Log.MayBeArchived;
                Advance(new CoreInput<TCommand>.Received(command.Envelope));
                break;
            case ShowState:
                _live.Use(_region);
                Show();
                break;
            case LiftQuarantine:
                Lift();
                break;
            case UnreadableCommand unreadable:
                Sender.Tell(new CommandReply.Unavailable(
                    UnavailableReason.EntityFailed,
                    $"The node of {_id} cannot read the command {unreadable.Why.TrimEnd('.')}; run the same version on "
                        + "all nodes."));
                break;
            case Wake:
                Advance(new CoreInput<TCommand>.Woken());
                break;
            case IdleTimedOut:
                Advance(new CoreInput<TCommand>.Idle());
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Show() => Sender.Tell(_core.QuarantineCause is { } cause
        ? new CommandReply.Quarantined(cause)
        : new EntityView<TState>(_core.State, _core.Head.Sequence));

    private void Lift()
    {
        if (_core.QuarantineCause is { } cause)
        {
            _region.Services.Logger.QuarantineLifted(_id, cause);
        }

        Advance(new CoreInput<TCommand>.QuarantineLifted());
        Sender.Tell(QuarantineLifted.Instance);
    }

    private void TakeLookup(CommandLookedUp found)
    {
        Advance(found.Trouble is { } trouble
            ? new CoreInput<TCommand>.CommandNotFound(trouble)
            : new CoreInput<TCommand>.CommandFound(found.Record));
        Stash.UnstashAll();
    }

    private void Advance(CoreInput<TCommand> input)
    {
        try
        {
            for (CoreInput<TCommand>? next = input; next is not null;)
            {
                next = Run(_core.Step(next, _region.Services.Clock.Now));
            }
        }
        catch (Exception exception)
        {
            // The core handles the entity's own exceptions; this one is the host's. An immediate restart would meet it
            // again at once.
            Break(exception);
        }
    }

    private void Break(Exception exception)
    {
        _region.Services.Trouble.Failed(exception);
        _region.Services.Logger.ActorBroken(_id, exception);
        _asker?.Tell(new CommandReply.Unavailable(
            UnavailableReason.JournalUnavailable, JournalTrouble.Unknown(_id, exception)));
        _asker = null;
        _region.WakeLater(_id);
        Context.Stop(Self);
    }

    /// <summary>
    /// Runs the core's outputs and returns the input that replies to an open question, if it is available at once. The
    /// sender is replied to last, so that everything the command leads to (its alarm above all) is set up by then.
    /// </summary>
    private CoreInput<TCommand>? Run(IReadOnlyList<CoreOutput> outputs)
    {
        CoreInput<TCommand>? answer = null;
        CommandReply? said = null;
        for (var i = 0; i < outputs.Count; i++)
        {
            switch (outputs[i])
            {
                case CoreOutput.Persist persist:
                    answer = Persist(persist);
                    break;
                case CoreOutput.Reply reply:
                    said = reply.Answer;
                    break;
                case CoreOutput.FindCommand find:
                    _ = LookUpAsync(find.CommandId).PipeTo(Self);
                    break;
                case CoreOutput.StartEffect start:
                    _effects.Start(start.Effect);
                    break;
                case CoreOutput.CancelEffect cancel:
                    _effects.Cancel(cancel.EffectId);
                    break;
                case CoreOutput.WakeAt wake:
                    _region.Alarms.Set(_id, wake.Due);
                    break;
                case CoreOutput.SaveSnapshot save:
                    SaveSnapshot(save.Snapshot);
                    break;
                case { } told:
                    Told(told);
                    break;
            }
        }

        if (said is not null)
        {
            _region.Services.Telemetry.CommandAnswered(_id.Type, said);
            _asker!.Tell(said);
            _asker = null;
        }

        return answer;
    }

    private CoreInput<TCommand>? Persist(CoreOutput.Persist persist)
    {
        if (_region.Services.Store.WhyFull() is { } full)
        {
            return new CoreInput<TCommand>.NotPersisted(full);
        }

        _report.PersistBegins(persist.Events.Length, _asked);
        _asked = default;
        _persisted ??= PersistedOne;
        if (persist.Events is [var only])
        {
            Persist(only, _persisted);
        }
        else
        {
            PersistAll(persist.Events, _persisted);
        }

        return null;
    }

    private void PersistedOne(StoredEvent stored)
    {
        if (stored.EndsCommand)
        {
            _report.Persisted();
            _region.Services.Pulse.Grew();
            Advance(CoreInput<TCommand>.Persisted.Instance);
        }
    }

    private async Task<object> LookUpAsync(CommandId commandId)
    {
        try
        {
            return new CommandLookedUp(
                commandId, await _region.Services.Store.Log.FindCommandAsync(_id, commandId, CancellationToken.None),
                null);
        }
        catch (Exception exception)
        {
            // Whatever the exception is, the command waits for this reply, and the entity for the command.
            _region.Services.Trouble.Failed(exception);
            return new CommandLookedUp(commandId, null, JournalTrouble.Sentence(exception) + ".");
        }
    }

    private void Told(CoreOutput output)
    {
        var services = _region.Services;
        switch (output)
        {
            case CoreOutput.SnapshotIgnored ignored:
                services.Logger.SnapshotIgnored(_id, ignored.Reason);
                break;
            case CoreOutput.Quarantined quarantined:
                services.Telemetry.EntityQuarantined(_id.Type);
                _live.Quarantine = quarantined.Cause;
                // The sentence names damaged data; the code location adds nothing. A bug is found by its stack.
                services.Logger.EntityQuarantined(
                    quarantined.Cause,
                    quarantined.Exception is JournalCorruptException or UnreadableEventException
                        ? null : quarantined.Exception);
                break;
            case CoreOutput.Passivate:
                HandOver();
                break;
            case CoreOutput.Restart restart:
                if (restart.Cause is { } cause)
                {
                    services.Telemetry.EntityRestarted(_id.Type);
                    services.Logger.EntityRestarted(_id, cause);
                }

                if (!_handedOver)
                {
                    HandOver();
                    _region.Deliver(_id, Wake.Instance);
                }

                break;
            default:
                throw new InvalidOperationException($"The actor of {_id} does not know the output {output}.");
        }
    }

    /// <summary>Stops this actor and has the shard buffer messages for the entity's next actor.</summary>
    private void HandOver()
    {
        _handedOver = true;
        Context.Parent.Tell(new Passivate(StopEntity.Instance));
    }
}
