using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// What the kernel asks of its host. The first five are questions: each is answered by exactly one input, and at most
/// one is open at a time. The others are told, not asked.
/// </summary>
public abstract record EntityOutput
{
    private EntityOutput()
    {
    }

    /// <summary>Read the snapshot.</summary>
    public sealed record ReadSnapshot : EntityOutput;

    /// <summary>Read the next events of the stream.</summary>
    public sealed record ReadStream(StreamHead After) : EntityOutput;

    /// <summary>Append.</summary>
    public sealed record Append(AppendRequest Request) : EntityOutput;

    /// <summary>Look up whether the journal knows the command.</summary>
    public sealed record FindCommand(CommandId CommandId) : EntityOutput;

    /// <summary>Take an epoch newer than this one, so that an append of unknown outcome is settled.</summary>
    public sealed record TakeEpoch(FencingToken Stale) : EntityOutput;

    /// <summary>The answer to the command submitted last; exactly one per command.</summary>
    public sealed record Reply(CommandId CommandId, CommandReply Answer) : EntityOutput;

    /// <summary>Carry out an effect, concurrently with whatever the entity does next.</summary>
    public sealed record Dispatch(Effect Effect) : EntityOutput;

    /// <summary>Store a snapshot; its loss does no harm.</summary>
    public sealed record SaveSnapshot(StoredSnapshot Snapshot) : EntityOutput;

    /// <summary>
    /// Send <see cref="EntityInput{TCommand}.AlarmRang"/> at this time of the steady clock
    /// (<see cref="EngineInstant.Steady"/>), instead of any earlier wish; null: never.
    /// </summary>
    public sealed record SetAlarm(DateTimeOffset? Due) : EntityOutput;

    /// <summary>A snapshot could not be used; the whole stream is read instead.</summary>
    public sealed record SnapshotIgnored(string Reason) : EntityOutput;

    /// <summary>An exception was met; the entity loads itself again.</summary>
    public sealed record Restarted(Exception Cause) : EntityOutput;

    /// <summary>The entity is out of service; it answers every command with its cause.</summary>
    public sealed record Quarantined(string Cause, Exception Exception) : EntityOutput;

    /// <summary>The kernel has ended with nothing left to do; drop it.</summary>
    public sealed record Passivated : EntityOutput;

    /// <summary>The kernel has ended because it may not or cannot go on; drop it.</summary>
    public sealed record Stopped(UnavailableReason Reason, string Message) : EntityOutput;
}
