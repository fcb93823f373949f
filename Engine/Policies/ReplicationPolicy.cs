using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Scenarios;

namespace ReplicationEngine.Engine.Policies;

/// <summary>When a required resync that compares whole disks starts automatically (RES-6).</summary>
public enum AutoResync
{
    /// <summary>The resync starts in the policy's window, outside office hours.</summary>
    InWindow = 1,

    /// <summary>The resync starts as soon as it is required.</summary>
    Immediately = 2,
}

/// <summary>A replication policy (POL-1). Each VM keeps its own copy.</summary>
/// <param name="Name">The policy's name in the vault.</param>
/// <param name="Retention">How long recovery points are kept; zero keeps only the latest.</param>
/// <param name="AppConsistentEvery">How often a point is application-consistent; zero means never.</param>
/// <param name="RpoThreshold">The data loss at risk above which health reports a problem (POL-4).</param>
/// <param name="AutoResync">When a required resync starts automatically.</param>
/// <param name="ResyncWindow">The window for <see cref="AutoResync.InWindow"/>.</param>
public sealed record ReplicationPolicy(
    string Name, TimeSpan Retention, TimeSpan AppConsistentEvery, TimeSpan RpoThreshold, AutoResync AutoResync,
    DailyWindow ResyncWindow)
{
    /// <summary>How often a crash-consistent point is made; not configurable (POL-1).</summary>
    public static readonly TimeSpan CrashConsistentEvery = TimeSpan.FromMinutes(5);

    /// <summary>The default policy of a VM (POL-1, POL-5).</summary>
    public static ReplicationPolicy Default { get; } = new(
        "default", TimeSpan.FromHours(24), TimeSpan.Zero, TimeSpan.FromMinutes(60), AutoResync.InWindow,
        DailyWindow.OutsideOfficeHours);

    /// <summary>
    /// Returns when a resync that is required at an instant starts automatically; the instant itself when it may start
    /// at once.
    /// </summary>
    public DateTimeOffset ResyncStart(DateTimeOffset now) =>
        AutoResync == AutoResync.Immediately || ResyncWindow.Contains(now) ? now : ResyncWindow.NextStart(now);

    /// <summary>
    /// Returns everything that is wrong with the policy under a scenario, each as a sentence (POL-2, POL-3); empty when
    /// the policy is valid.
    /// </summary>
    public ValueList<string> Problems(ScenarioProfile scenario)
    {
        List<string> problems = [];
        if (string.IsNullOrWhiteSpace(Name))
        {
            problems.Add("The policy has no name; give it one.");
        }

        if (Retention < TimeSpan.Zero || Retention > scenario.MaxRetention)
        {
            problems.Add($"Retention is {Text(Retention)}; {scenario.Id} allows 0 to {Text(scenario.MaxRetention)}.");
        }

        if (RpoThreshold <= TimeSpan.Zero)
        {
            problems.Add($"The RPO threshold is {Text(RpoThreshold)}; it must be more than zero.");
        }

        AddAppConsistentProblems(scenario, problems);
        return problems.ToValueList();
    }

    private void AddAppConsistentProblems(ScenarioProfile scenario, List<string> problems)
    {
        if (AppConsistentEvery == TimeSpan.Zero)
        {
            return;
        }

        if (!scenario.AppConsistentPoints)
        {
            problems.Add($"{scenario.Id} has no application-consistent points; set their interval to 0.");
        }
        else if (AppConsistentEvery < scenario.AppConsistentAtLeast
            || AppConsistentEvery > scenario.AppConsistentAtMost)
        {
            problems.Add($"Application-consistent points every {Text(AppConsistentEvery)}; {scenario.Id} allows "
                + $"{Text(scenario.AppConsistentAtLeast)} to {Text(scenario.AppConsistentAtMost)}, or 0 for none.");
        }

        if (AppConsistentEvery >= Retention)
        {
            problems.Add($"Application-consistent points every {Text(AppConsistentEvery)} are not more frequent than "
                + $"the retention of {Text(Retention)}; make the interval shorter than the retention.");
        }
    }

    private static string Text(TimeSpan time) =>
        time == TimeSpan.Zero ? "0" : time.Ticks % TimeSpan.TicksPerHour == 0 ? $"{time.TotalHours:0} h"
            : $"{time.TotalMinutes:0.##} min";
}
