using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>The answer to a command.</summary>
public abstract record CommandReply
{
    private CommandReply()
    {
    }

    /// <summary>Done and durable.</summary>
    /// <param name="Sequence">The entity's last event of this command; when it changed nothing, the last event of
    /// all.</param>
    public sealed record Accepted(long Sequence) : CommandReply;

    /// <summary>The domain says no.</summary>
    public sealed record Refused(Refusal Refusal) : CommandReply;

    /// <summary>
    /// No answer can be given now. Unless the reason says otherwise the command may have been carried out: send it
    /// again
    /// <b>with the same id</b> to learn what became of it.
    /// </summary>
    public sealed record Unavailable(UnavailableReason Reason, string Message) : CommandReply;

    /// <summary>
    /// The entity is out of service until its quarantine is lifted or the engine is restarted; the cause says why
    /// (I29).
    /// </summary>
    public sealed record Quarantined(string Cause) : CommandReply;
}

/// <summary>Why a command could not be answered.</summary>
public enum UnavailableReason
{
    /// <summary>The journal has no room; nothing of the command was stored (I27).</summary>
    JournalFull,

    /// <summary>
    /// The journal cannot be reached, or did not say whether it has stored the command's events. The same command id
    /// sent again learns what became of it.
    /// </summary>
    JournalUnavailable,

    /// <summary>The entity met an exception on this command and was restarted; nothing of it was stored.</summary>
    EntityFailed,

    /// <summary>The engine is not running; nothing of the command was stored.</summary>
    NotRunning,
}
