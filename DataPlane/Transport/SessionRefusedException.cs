using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>Why a session is refused. The numbers stand on the wire.</summary>
public enum SessionRefusal : byte
{
    /// <summary>The acceptor knows no such VM.</summary>
    UnknownVm = 1,

    /// <summary>The ends do not hold the same data key. Not retried (ERR-2).</summary>
    WrongKey = 2,

    /// <summary>The ends speak no common version of the protocol.</summary>
    UnsupportedVersion = 3,

    /// <summary>Both ends want to send, or both to receive.</summary>
    RoleMismatch = 4,

    /// <summary>The sender's term is smaller than the receiver's: the VM was failed over (FOV-8, I15).</summary>
    StaleTerm = 5,

    /// <summary>The ends hold different disks, or the source's disk is smaller than the replica's.</summary>
    SizeMismatch = 6,

    /// <summary>The replica misses a record between its last and the offered one.</summary>
    Gap = 7,

    /// <summary>A record names a disk or a range that the replica does not have.</summary>
    OutOfRange = 8,

    /// <summary>The replica takes nothing now: full, failed to sync, or not open. Retried (ERR-1).</summary>
    Unavailable = 9,

    /// <summary>A record did not match its checksum.</summary>
    Corrupt = 10,

    /// <summary>A frame was damaged, replayed or malformed.</summary>
    BadFrame = 11,
}

/// <summary>One end refuses the session, at its start or while it runs; the same reason surfaces at both
/// ends.</summary>
public sealed class SessionRefusedException : IOException
{
    /// <summary>Makes a refusal.</summary>
    public SessionRefusedException(SessionRefusal reason, string message, Term? currentTerm = null,
        Exception? inner = null)
        : base(message, inner)
    {
        Reason = reason;
        CurrentTerm = currentTerm;
    }

    /// <summary>Why.</summary>
    public SessionRefusal Reason { get; }

    /// <summary>For <see cref="SessionRefusal.StaleTerm"/>: the term that stands.</summary>
    public Term? CurrentTerm { get; }

    /// <summary>Whether the peer said it (rather than this end).</summary>
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
