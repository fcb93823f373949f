// The actor of one entity: translates between Akka.Persistence and the core, and decides nothing.
//
// Akka.Persistence recovers (snapshot, then events), keeps commands back until that is done and while events are being
// persisted, and stops the actor when a persist or a recovery fails. A core that has ended asks its shard to passivate
// the actor: from then on the shard keeps what comes, and hands it to the entity's next actor; what has come already
// is sent to the shard again. Letters that an actor left behind when it was stopped come back to their senders as
// NotDelivered (see LostLetters), and are sent again. So a letter may come by the shard or straight (see EntityRegion).
using System.Diagnostics;
using Akka.Actor;
using Akka.Persistence;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Runs one entity's core.</summary>
internal sealed partial class EntityActor<TAggregate, TState, TCommand, TEvent> : UntypedPersistentActor
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
    private IActorRef? _asker;
    private Activity? _recovering;
    private ActivityContext _asked;
    private bool _handedOver;

    public EntityActor(EntityRegion<TAggregate, TState, TCommand, TEvent> region, PersistenceId id)
    {
        _region = region;
        _id = id;
        _memory = region.MemoryOf(id);
        _core = new(id, region.Codec, region.CoreOptions, _memory);
        PersistenceId = id.ToString();
        _recovering = region.Services.Telemetry.Begin("entity.recover", id);
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
                var foreign = new UnreadableRecord(message.GetType().Name, "is no record of this engine");
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
                EndEffect(ended);
                break;
            default:
                Take(message);
                break;
        }
    }

    protected override void OnPersistFailure(Exception cause, object @event, long sequenceNr)
    {
        _region.Services.Trouble.Failed(cause);
        _region.Services.Telemetry.PersistFailed(_id.Type, cause);
        EndActivity(ref _persisting, JournalTrouble.Sentence(cause));
        _region.Services.Logger.PersistFailed(_id, sequenceNr, JournalTrouble.Sentence(cause));

        // The actor is stopped after this: its next one learns what the journal holds.
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
        _region.Services.Trouble.Failed(reason);
        _region.Services.Telemetry.RecoveryFailed(_id.Type, reason);
        EndActivity(ref _recovering, JournalTrouble.Sentence(reason));
        _region.Services.Logger.RecoveryFailed(_id, JournalTrouble.Sentence(reason));
        _region.WakeLater(_id);
    }

    protected override void PostStop()
    {
        EndActivity(ref _recovering, "the actor has ended");
        EndActivity(ref _persisting, "the actor has ended");
        _region.Left(_id, _live, _memory);
        base.PostStop();
    }

    private void FinishRecovery()
    {
        if (_core.Phase == EntityPhase.Recovering && LastSequenceNr != _core.Head.Sequence)
        {
            // Unless damage was met before, which is what the core will tell.
            var lost = new UnreadableRecord(
                "snapshot", $"was taken behind event {LastSequenceNr}, where the stream ends");
            Advance(new CoreInput<TCommand>.Unreadable(lost, IsSnapshot: false));
        }

        _region.Services.Trouble.Ended();
        _region.Services.Telemetry.Recovered(_id.Type);
        _recovering?.SetTag("entity.events", LastSequenceNr);
        EndActivity(ref _recovering);
        Advance(new CoreInput<TCommand>.Recovered());
    }

    private static void EndActivity(ref Activity? activity, string? failure = null)
    {
        EngineTelemetry.End(activity, failure);
        activity = null;
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
}
