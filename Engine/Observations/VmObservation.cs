using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Engine.Observations;

/// <summary>Whether the agent is there.</summary>
public enum AgentPresence
{
    /// <summary>It is.</summary>
    Connected = 0,

    /// <summary>It is away, but not for long enough to speak of it.</summary>
    Missed = 1,

    /// <summary>It is away.</summary>
    Away = 2,
}

/// <summary>Everything that is observed of a VM at one moment.</summary>
/// <param name="Agent">Whether its agent is there.</param>
/// <param name="Source">What the source side said last; null while its agent is away or has said nothing yet.</param>
/// <param name="Target">What is at the target; null when there is nothing yet.</param>
/// <param name="AtRisk">
/// The time whose writes a failover now could lose: no less than the agent has been away; null when that is not known.
/// </param>
/// <param name="LagBytes">As far as is known, the bytes of changes that the target does not have.</param>
public sealed record VmObservation(
    AgentPresence Agent, SourceObservation? Source, TargetObservation? Target, TimeSpan? AtRisk, long LagBytes)
{
    /// <summary>
    /// That the connected agent is not what the VM's state asks for, with no effect under way to make it so; null when
    /// it is, and while it is too early to say.
    /// </summary>
    public SourceAstray? Astray { get; init; }

    /// <summary>
    /// How long the data stream that the phase asks for is down; zero while it is up or not asked for.
    /// </summary>
    public TimeSpan StreamDownFor { get; init; }

    /// <summary>The agent's clock minus the service's; null when it was not measured.</summary>
    public TimeSpan? ClockOffset { get; init; }
}

/// <summary>A source side that is not what it should be.</summary>
/// <param name="Why">Why the last directive to make it so failed; null when none failed.</param>
public sealed record SourceAstray(EffectError? Why);

/// <summary>What is observed of a VM's replica and of what runs on it.</summary>
public sealed record TargetObservation
{
    /// <summary>The replica's points and skipped markers; null when it is not open.</summary>
    public PointsObservation? Points { get; init; }

    /// <summary>Why the newest point cannot be used, and so no further one that stands on the same damage; null when it
    /// can.</summary>
    public string? NewestDamage => Points is { Held: [.., (_, { } why)] } ? why : null;

    /// <summary>
    /// Whether that damage is new: no disks were compared since the first of the unusable points, which begins another
    /// generation. What outlasts a comparison is not repaired by the next one.
    /// </summary>
    public bool IsDamageNew => NewestDamage is not null
        && Points!.Held.Reverse().TakeWhile(held => held.UnusableBecause is not null)
            .All(held => held.Point.Generation == Generation);

    /// <summary>Why the replica takes nothing more, or gives nothing that can be used; null when it does.</summary>
    public string? Trouble => Fault
        ?? (!IsDamageNew && Points is { Held: [.., var (newest, why)] } && newest.Generation == Generation
            ? why : null);

    /// <summary>Why the replica is lost and none of its points can be used; null when it is not.</summary>
    public string? LostBecause { get; init; }

    /// <summary>Why it takes nothing more; null when it does.</summary>
    public string? Fault { get; init; }

    /// <summary>Why the target's disk took no more, as long as nothing was stored since; null when it does.</summary>
    public string? FullBecause { get; init; }

    /// <summary>The room on the target's file system; null when not known.</summary>
    public TargetRoom? Room { get; init; }

    /// <summary>The generation in which it stands.</summary>
    public Generation Generation { get; init; }

    /// <summary>It equals no moment of the source.</summary>
    public bool Resyncing { get; init; }

    /// <summary>The stream back to the source; null when no machine runs here.</summary>
    public ReverseObservation? Reverse { get; init; }
}

/// <summary>The room on a file system.</summary>
/// <param name="FreeBytes">Bytes that can still be written.</param>
/// <param name="TotalBytes">Its size.</param>
public readonly record struct TargetRoom(long FreeBytes, long TotalBytes);

/// <summary>How the stream back to the source stands.</summary>
/// <param name="InSync">Nothing is left to compare or copy.</param>
/// <param name="WireBytes">Bytes sent.</param>
/// <param name="ChangedBytes">Bytes that were found to differ, or written since.</param>
public sealed record ReverseObservation(bool InSync, long WireBytes, long ChangedBytes)
{
    /// <summary>Whether the stream is up.</summary>
    public bool Connected { get; init; } = true;
}

/// <summary>The points that a replica holds.</summary>
/// <param name="Held">Each, with the reason why it cannot be used, or null.</param>
/// <param name="Skipped">Markers that made no point, with the reason.</param>
public sealed record PointsObservation(
    IReadOnlyList<(RecoveryPoint Point, string? UnusableBecause)> Held,
    IReadOnlyList<(RecoveryPointId Id, string Why)> Skipped);
