using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Simulation.World;

/// <summary>What the checkers keep of one VM: what its points must hold, and which faults it met.</summary>
internal sealed class VmLedger
{
    /// <summary>What each recovery point must hold.</summary>
    public Dictionary<RecoveryPointId, ulong[]> Points { get; } = [];

    /// <summary>What the source held at each marker, by its point and number.</summary>
    public Dictionary<(RecoveryPointId Point, long Lsn), ulong[]> Marked { get; } = [];

    /// <summary>When each point was seen first (virtual time).</summary>
    public Dictionary<RecoveryPointId, TimeSpan> SeenAt { get; } = [];

    /// <summary>When source and replica were found equal everywhere.</summary>
    public TimeSpan? EqualAt { get; set; }

    /// <summary>A power cut of the source that no opening was checked after yet.</summary>
    public bool SourceCut { get; set; }

    /// <summary>A power cut of the target that no opening was checked after yet.</summary>
    public bool TargetCut { get; set; }

    /// <summary>A sync at the source was made to fail.</summary>
    public bool SyncBroken { get; set; }

    /// <summary>A sync at the target was made to fail: what was unsynced may be gone, as after a power cut.</summary>
    public bool TargetSyncBroken { get; set; }

    /// <summary>When the service took the agent's newest report (virtual time).</summary>
    public TimeSpan ReportedAt { get; set; }

    /// <summary>Damage was done to the replica's files.</summary>
    public bool Damaged { get; set; }

    /// <summary>Why an entity of it is quarantined by a fault.</summary>
    public Action? Antidote { get; set; }

    /// <summary>Everything at the target side was deleted, damage with it.</summary>
    public void ForgetTarget() => (Damaged, TargetCut, TargetSyncBroken) = (false, false, false);
}
