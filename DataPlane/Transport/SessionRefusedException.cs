using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>The reason why a session is refused. The numbers are part of the wire format.</summary>
public enum SessionRefusal : byte
{
    /// <summary>The VM is unknown to the acceptor.</summary>
    UnknownVm = 1,

    /// <summary>The ends do not hold the same data key. Not retried (ERR-2).</summary>
    WrongKey = 2,

    /// <summary>The ends speak no common version of the protocol.</summary>
    UnsupportedVersion = 3,

    /// <summary>The ends have the same role: both are senders, or both receivers.</summary>
    RoleMismatch = 4,

    /// <summary>The sender's term is smaller than the receiver's: the VM was failed over (FOV-8, I15).</summary>
    StaleTerm = 5,

    /// <summary>The ends hold different disks, or the source's disk is smaller than the replica's.</summary>
    SizeMismatch = 6,

    /// <summary>The replica lacks a record between its last and the offered one.</summary>
    Gap = 7,

    /// <summary>A record names a disk or a range that the replica does not have.</summary>
    OutOfRange = 8,

    /// <summary>The replica accepts nothing now: full, failed to sync, or not open. Retried (ERR-1).</summary>
    Unavailable = 9,

    /// <summary>A record did not match its checksum.</summary>
    Corrupt = 10,

    /// <summary>A frame was damaged, replayed or malformed.</summary>
    BadFrame = 11,
}

/// <summary>
/// An end refuses the session, at its start or while it runs; the same reason is reported at both ends.
/// </summary>
public sealed class SessionRefusedException : IOException
{
    /// <summary>Creates a refusal.</summary>
    public SessionRefusedException(SessionRefusal reason, string message, Term? currentTerm = null,
        Exception? inner = null)
        : base(message, inner)
    {
        Reason = reason;
        CurrentTerm = currentTerm;
    }

    /// <summary>The reason for the refusal.</summary>
    public SessionRefusal Reason { get; }

    /// <summary>The valid term, for <see cref="SessionRefusal.StaleTerm"/>; otherwise null.</summary>
    public Term? CurrentTerm { get; }

    /// <summary>Whether the peer sent the refusal (rather than this end).</summary>
    public bool ByPeer { get; init; }

    internal static SessionRefusedException From(Exception cause, Term replicaTerm) => cause switch
    {
        SessionRefusedException refused => refused,
        ReplicaRefusedException { Reason: ReplicaRefusal.StaleTerm } =>
            new(SessionRefusal.StaleTerm, cause.Message, replicaTerm, cause),
        ReplicaRefusedException { Reason: ReplicaRefusal.Gap } => new(SessionRefusal.Gap, cause.Message, null, cause),
        ReplicaRefusedException { Reason: ReplicaRefusal.OutOfRange } =>
            new(SessionRefusal.OutOfRange, cause.Message, null, cause),
        ReplicaCorruptException => new(SessionRefusal.Corrupt, cause.Message, null, cause),
        FrameException => new(SessionRefusal.BadFrame, cause.Message, null, cause),
        _ => new(SessionRefusal.Unavailable, cause.Message, null, cause),
    };
}
