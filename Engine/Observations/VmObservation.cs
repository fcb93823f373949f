using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.Observations;

/// <summary>Whether an agent is connected.</summary>
public enum AgentPresence
{
    /// <summary>The agent is connected.</summary>
    Connected = 0,

    /// <summary>The agent is disconnected, but not long enough to report it.</summary>
    Missed = 1,

    /// <summary>The agent is disconnected.</summary>
    Away = 2,
}

/// <summary>Everything that is observed of a VM at one moment.</summary>
/// <param name="Agent">Whether the VM's agent is connected.</param>
/// <param name="Source">The latest status of the source side; null while the agent is away or has not reported
/// yet.</param>
/// <param name="Target">The observation of the target; null when there is no replica yet.</param>
/// <param name="AtRisk">The time span whose writes a failover now could lose, at least as long as the agent has been
/// away; null when unknown.</param>
/// <param name="LagBytes">Bytes of changes that the target does not have, as far as is known.</param>
public sealed record VmObservation(
    AgentPresence Agent, SourceObservation? Source, TargetObservation? Target, TimeSpan? AtRisk, long LagBytes)
{
    /// <summary>
    /// The connected agent's deviation from the role that the VM's state requires, when no running effect will correct
    /// it; null when there is none, and while it is too early to decide.
    /// </summary>
    public SourceAstray? Astray { get; init; }

    /// <summary>
    /// How long the data stream that the phase requires has been down; zero while it is up or not required.
    /// </summary>
    public TimeSpan StreamDownFor { get; init; }

    /// <summary>The agent's clock minus the service's clock; null when not measured.</summary>
    public TimeSpan? ClockOffset { get; init; }
}

/// <summary>A source side whose reported role differs from the required one.</summary>
/// <param name="Why">Why the last directive to correct it failed; null when none failed.</param>
public sealed record SourceAstray(EffectError? Why);

/// <summary>The observation of a VM's replica and of the machine that runs on it.</summary>
public sealed record TargetObservation
{
    /// <summary>The replica's points and skipped markers; null when the replica is not open.</summary>
    public PointsObservation? Points { get; init; }

    /// <summary>
    /// Why the newest point is unusable; null when it is usable. Later points with the same damage are unusable too.
    /// </summary>
    public string? NewestDamage => Points is { Held: [.., (_, { } why)] } ? why : null;

    /// <summary>
    /// Whether the damage is new: no disks were compared since the first unusable point, because a comparison begins
    /// another generation. Damage that survives one comparison will not be repaired by another.
    /// </summary>
    public bool IsDamageNew => NewestDamage is not null
        && Points!.Held.Reverse().TakeWhile(held => held.UnusableBecause is not null)
            .All(held => held.Point.Generation == Generation);

    /// <summary>Why the replica accepts no more data or holds nothing usable; null when it works.</summary>
    public string? Trouble => Fault
        ?? (!IsDamageNew && Points is { Held: [.., var (newest, why)] } && newest.Generation == Generation
            ? why : null);

    /// <summary>Why the replica is lost and none of its points can be used; null when it is not lost.</summary>
    public string? LostBecause { get; init; }

    /// <summary>Why the replica accepts no more data; null when it does.</summary>
    public string? Fault { get; init; }

    /// <summary>Why the target's disk is full, as long as nothing was stored since; null when it is not.</summary>
    public string? FullBecause { get; init; }

    /// <summary>The room on the target's file system; null when unknown.</summary>
    public TargetRoom? Room { get; init; }

    /// <summary>The replica's current generation.</summary>
    public Generation Generation { get; init; }

    /// <summary>Whether the replica is in the middle of a resync and so equals no moment of the source.</summary>
    public bool Resyncing { get; init; }

    /// <summary>The stream back to the source; null when no machine runs at the target.</summary>
    public ReverseObservation? Reverse { get; init; }
}

/// <summary>The room on a file system.</summary>
/// <param name="FreeBytes">The free space in bytes.</param>
/// <param name="TotalBytes">The size of the file system in bytes.</param>
public readonly record struct TargetRoom(long FreeBytes, long TotalBytes);

/// <summary>The status of the stream back to the source.</summary>
/// <param name="InSync">Whether nothing is left to compare or copy.</param>
/// <param name="WireBytes">The number of bytes sent.</param>
/// <param name="ChangedBytes">The number of bytes that differed or were written since.</param>
public sealed record ReverseObservation(bool InSync, long WireBytes, long ChangedBytes)
{
    /// <summary>Whether the stream is connected.</summary>
    public bool Connected { get; init; } = true;
}

/// <summary>The points that a replica holds.</summary>
/// <param name="Held">The points, each with the reason why it cannot be used, or null.</param>
/// <param name="Skipped">Markers that made no point, each with the reason.</param>
public sealed record PointsObservation(
    IReadOnlyList<(RecoveryPoint Point, string? UnusableBecause)> Held,
    IReadOnlyList<(RecoveryPointId Id, string Why)> Skipped);
