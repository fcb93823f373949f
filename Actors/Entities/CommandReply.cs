using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>The reply to a command.</summary>
public abstract record CommandReply : IClusterMessage
{
    private CommandReply()
    {
    }

    /// <summary>The command is accepted, and its events are durable.</summary>
    /// <param name="Sequence">The number of the command's last event; when it changed nothing, the number of the
    /// entity's last event.</param>
    public sealed record Accepted(long Sequence) : CommandReply;

    /// <summary>
    /// The domain refused the command. Distinguish refusals by their codes: one that another node decided has only its
    /// code and message.
    /// </summary>
    public sealed record Refused(Refusal Refusal) : CommandReply;

    /// <summary>
    /// No definite reply is possible now. Unless the reason rules it out, the command may have taken effect: send it
    /// again <b>with the same id</b> to learn the outcome.
    /// </summary>
    public sealed record Unavailable(UnavailableReason Reason, string Message) : CommandReply;

    /// <summary>
    /// The entity is out of service until its quarantine is lifted or the engine restarts. The cause gives the reason
    /// (I29).
    /// </summary>
    public sealed record Quarantined(string Cause) : CommandReply;
}

/// <summary>Why no definite reply to a command is possible.</summary>
public enum UnavailableReason
{
    /// <summary>The journal has no room; nothing of the command was stored (I27).</summary>
    JournalFull,

    /// <summary>
    /// The journal cannot be reached, or did not report whether it stored the command's events. Sending the same
    /// command id again returns the outcome.
    /// </summary>
    JournalUnavailable,

    /// <summary>
    /// The entity threw an exception on this command and was restarted. Nothing of the command was stored.
    /// </summary>
    EntityFailed,

    /// <summary>The engine is not running; nothing of the command was stored.</summary>
    NotRunning,
}
