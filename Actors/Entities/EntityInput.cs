using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>A command as it reaches an entity.</summary>
/// <param name="Id">The sender's id; the same id has one effect and one answer (I19).</param>
/// <param name="Actor">Who asks.</param>
/// <param name="Command">What is asked.</param>
/// <param name="Digest">
/// What tells the request from any other, so that the id is refused when it comes with another request; null where ids
/// are made of what is sent.
/// </param>
public sealed record CommandEnvelope<TCommand>(CommandId Id, string Actor, TCommand Command, string? Digest = null)
    where TCommand : class;

/// <summary>Everything that can happen to an entity's kernel.</summary>
public abstract record EntityInput<TCommand>
    where TCommand : class
{
    private EntityInput()
    {
    }

    /// <summary>The first input.</summary>
    /// <param name="Timers">The timers that the entity's last kernel had armed, if the host had one before.</param>
    public sealed record Started(ValueList<ArmedTimer> Timers = default) : EntityInput<TCommand>;

    /// <summary>Answers <see cref="EntityOutput.ReadSnapshot"/>; null when there is none.</summary>
    public sealed record SnapshotRead(StoredSnapshot? Snapshot) : EntityInput<TCommand>;

    /// <summary>Answers <see cref="EntityOutput.ReadStream"/>.</summary>
    public sealed record StreamRead(StreamSlice Slice) : EntityInput<TCommand>;

    /// <summary>Answers any reading output that failed.</summary>
    public sealed record ReadFailed(Exception Cause) : EntityInput<TCommand>;

    /// <summary>
    /// A command; only while <see cref="EntityKernel{TAggregate, TState, TCommand, TEvent}.CanAccept"/>.
    /// </summary>
    public sealed record Submitted(CommandEnvelope<TCommand> Envelope) : EntityInput<TCommand>;

    /// <summary>Answers <see cref="EntityOutput.Append"/>.</summary>
    public sealed record AppendJudged(AppendOutcome Outcome) : EntityInput<TCommand>;

    /// <summary>Answers <see cref="EntityOutput.FindCommand"/>.</summary>
    public sealed record CommandFound(CommandRecord? Record) : EntityInput<TCommand>;

    /// <summary>Answers <see cref="EntityOutput.TakeEpoch"/>: a newer epoch is ours.</summary>
    public sealed record EpochTaken(FencingToken Token) : EntityInput<TCommand>;

    /// <summary>Answers <see cref="EntityOutput.TakeEpoch"/>: it was not granted.</summary>
    public sealed record EpochRefused(string Reason) : EntityInput<TCommand>;

    /// <summary>
    /// The time of <see cref="EntityOutput.SetAlarm"/> has come; ignored while something is in flight.
    /// </summary>
    public sealed record AlarmRang : EntityInput<TCommand>;

    /// <summary>
    /// The cause of a quarantine is removed, somebody says: load again, from the whole stream. Ignored by an entity
    /// that is in service.
    /// </summary>
    public sealed record QuarantineLifted : EntityInput<TCommand>;

    /// <summary>
    /// Nobody has needed the entity for a while; ignored while it has anything in flight or owes effects.
    /// </summary>
    public sealed record IdleTimedOut : EntityInput<TCommand>;
}
