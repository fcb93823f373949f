using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The checkers' ledger of one VM: the content that its recovery points must hold, and the faults that the VM has met.
/// </summary>
internal sealed class VmLedger
{
    /// <summary>The content that each recovery point must hold.</summary>
    public Dictionary<RecoveryPointId, ulong[]> Points { get; } = [];

    /// <summary>The content of the source at each marker, by the marker's point and number.</summary>
    public Dictionary<(RecoveryPointId Point, long Lsn), ulong[]> Marked { get; } = [];

    /// <summary>The virtual time at which each recovery point was seen first.</summary>
    public Dictionary<RecoveryPointId, TimeSpan> SeenAt { get; } = [];

    /// <summary>
    /// The virtual time at which source and replica were last found equal in all hot blocks; null when they never were.
    /// </summary>
    public TimeSpan? EqualAt { get; set; }

    /// <summary>Whether the source had a power cut after which no opening has been checked yet.</summary>
    public bool SourceCut { get; set; }

    /// <summary>Whether the target had a power cut after which no opening has been checked yet.</summary>
    public bool TargetCut { get; set; }

    /// <summary>Whether a fault let a sync at the source fail.</summary>
    public bool SyncBroken { get; set; }

    /// <summary>
    /// Whether a fault let a sync at the target fail. Unsynced changes may be lost then, as after a power cut.
    /// </summary>
    public bool TargetSyncBroken { get; set; }

    /// <summary>The virtual time at which the service received the agent's newest report.</summary>
    public TimeSpan ReportedAt { get; set; }

    /// <summary>Whether a fault damaged the replica's files.</summary>
    public bool Damaged { get; set; }

    /// <summary>
    /// The action that repairs the damage of a fault to the VM's stream, which may quarantine the entity; null while
    /// there is no such damage.
    /// </summary>
    public Action? Antidote { get; set; }

    /// <summary>Forgets the faults of the target side after everything there was deleted, including damage.</summary>
    public void ForgetTarget() => (Damaged, TargetCut, TargetSyncBroken) = (false, false, false);
}
