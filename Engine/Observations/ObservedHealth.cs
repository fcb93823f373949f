using System.Globalization;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

// The one rule for current health: it compares what the state requires with what is observed. A view shows the causes
// immediately. VmFacts turns the same causes into events, so the history records when each began and ended.

/// <summary>Derives health causes from what is currently observed of a VM. All methods are pure.</summary>
internal static class ObservedHealth
{
    /// <summary>The clock difference above which a health cause is raised.</summary>
    public static readonly TimeSpan ClocksDiffer = TimeSpan.FromSeconds(1);

    /// <summary>How long a data stream may be down before a health cause is raised.</summary>
    public static readonly TimeSpan StreamDown = TimeSpan.FromSeconds(10);

    /// <summary>
    /// The free space at the target below which a warning is raised: 1 GiB, or a tenth of a small file system, in
    /// bytes.
    /// </summary>
    public static long LittleSpace(TargetRoom room) => Math.Min(1L << 30, room.TotalBytes / 10);

    /// <summary>The kinds of cause that this rule raises and clears.</summary>
    public static ValueList<HealthKind> Kinds { get; } =
    [
        HealthKind.SourceNotServed, HealthKind.ReplicationStalled, HealthKind.TargetFull, HealthKind.ClockOffset,
        HealthKind.NoHooks,
    ];

    /// <summary>
    /// Returns the current causes. Their <see cref="HealthCause.Since"/> is not set, because an observation has no
    /// history.
    /// </summary>
    public static ValueList<HealthCause> Of(ProtectedVmState state, VmObservation observation)
    {
        ArgumentNullException.ThrowIfNull(state);
        ArgumentNullException.ThrowIfNull(observation);
        return !Protection.IsWanted(state.Phase) || state.Phase is Phase.EnableFailed
            ? []
            : [.. Serving(state, observation), .. Stream(state, observation), .. Room(state, observation),
                .. Clocks(state, observation),
                .. Hooks(state, observation)];
    }

    /// <summary>Compares the required role of the source side with the reported role.</summary>
    private static IEnumerable<HealthCause> Serving(ProtectedVmState state, VmObservation observation)
    {
        if (observation.Agent != AgentPresence.Connected || !ProtectedVmHealth.NeedsAgent(state.Phase)
            || SourceDuty.Of(state) is not { } duty)
        {
            yield break;
        }

        var agent = state.Enrollment.Agent;
        if (observation.Source is { } source && duty.IsConfirmedBy(source))
        {
            if (source.Unserved.Count > 0 && duty.Role is SourceRole.Primary)
            {
                var problem = source.Problems.Count > 0 ? source.Problems[0] : null;
                yield return NotServed(
                    $"Agent '{agent}' does not serve {Listed(source.Unserved)}"
                        + (problem is null ? "." : $": {problem.Message}"),
                    problem?.Remedy);
            }
        }
        else if (observation.Astray is not null || observation.Source is { IsOpen: false, Problems.Count: > 0 })
        {
            var does = observation.Source is { IsOpen: true } known
                ? $"is {Words(known.Role)} in term {known.Term}"
                : "serves none of its disks";
            var why = observation.Source is { IsOpen: false, Problems: [var problem, ..] }
                ? problem : observation.Astray?.Why;
            yield return NotServed(
                $"Agent '{agent}' should be {Words(duty.Role)} in term {duty.Term}, but {does}"
                    + (why is null ? "." : $": {why.Message}"),
                why?.Remedy);
        }
    }

    private static HealthCause NotServed(string message, string? remedy) => Cause(
        HealthKind.SourceNotServed, HealthLevel.Critical, message,
        remedy is { Length: > 0 } ? remedy : "See the agent's log; the service resends the directive every 10 s.");

    private static IEnumerable<HealthCause> Stream(ProtectedVmState state, VmObservation observation)
    {
        if (observation is { Agent: AgentPresence.Connected } && observation.StreamDownFor > StreamDown
            && state.Replication is { Active: true, Paused: false, Fault: null })
        {
            yield return Cause(
                HealthKind.ReplicationStalled, HealthLevel.Warning,
                $"Agent '{state.Enrollment.Agent}' is connected, but the data stream is down: no write reaches the "
                    + "other side.",
                "See the logs of agent and service for why the stream is down.");
        }
    }

    // The warning is raised while there still is room, the error when something could not be stored.
    private static IEnumerable<HealthCause> Room(ProtectedVmState state, VmObservation observation)
    {
        if (observation.Target is not { } target)
        {
            yield break;
        }

        if (target.FullBecause is { } why)
        {
            yield return Cause(
                HealthKind.TargetFull, HealthLevel.Critical, $"The target is out of space: {why}",
                "Free space on the file system of the service's data directory; replication then resumes.");
        }
        else if (target.Room is { } room && room.FreeBytes < LittleSpace(room))
        {
            yield return Cause(
                HealthKind.TargetFull, HealthLevel.Warning,
                $"The target's file system has less than {LittleSpace(room) >> 20} MiB free.",
                "Free space on the file system of the service's data directory before it is full.");
        }
    }

    private static IEnumerable<HealthCause> Clocks(ProtectedVmState state, VmObservation observation)
    {
        if (observation.ClockOffset is { } offset && offset.Duration() > ClocksDiffer)
        {
            yield return Cause(
                HealthKind.ClockOffset, HealthLevel.Warning,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"The clock of agent '{state.Enrollment.Agent}' is {offset.Duration().TotalSeconds:0.0} s ")
                    + $"{(offset > TimeSpan.Zero ? "ahead of" : "behind")} the service's.",
                "Synchronize both clocks, for instance with NTP; recovery points use the service's time.");
        }
    }

    private static IEnumerable<HealthCause> Hooks(ProtectedVmState state, VmObservation observation)
    {
        if (state.Phase is Phase.Protected && state.Enrollment.Policy.AppConsistentEvery > TimeSpan.Zero
            && observation.Source is { HasHooks: false })
        {
            yield return Cause(
                HealthKind.NoHooks, HealthLevel.Warning,
                $"The policy requires application-consistent points, but agent '{state.Enrollment.Agent}' has no "
                    + "hooks; crash-consistent points are made instead.",
                "Start the agent with --hooks DIR, or set the policy's interval of such points to 0.");
        }
    }

    private static HealthCause Cause(HealthKind kind, HealthLevel level, string message, string remedy) =>
        new(kind, "", level, message, remedy, default);

    private static string Listed(ValueList<string> paths) =>
        $"disk{(paths.Count == 1 ? "" : "s")} {string.Join(", ", paths.Select(path => $"'{path}'"))}";

    private static string Words(SourceRole role) => role switch
    {
        SourceRole.Primary => "primary",
        SourceRole.Quiesced => "quiesced primary",
        SourceRole.Fenced => "fenced source",
        SourceRole.ReverseReplica => "reverse replica",
        SourceRole.Released => "without a role",
        _ => throw new ArgumentOutOfRangeException(nameof(role), role, "Not a role."),
    };
}
