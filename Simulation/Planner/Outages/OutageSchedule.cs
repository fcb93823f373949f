using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Computes the times at which an outage occurs.</summary>
internal static class OutageSchedule
{
    private static readonly TimeSpan Shortest = TimeSpan.FromSeconds(1);

    /// <summary>
    /// Returns all occurrences of an outage within the run: the part that fails, the beginning and the duration. An
    /// outage at random has separate occurrences for each target, drawn from the scenario's seed, the outage's name and
    /// the target's name. A change of another part of the scenario, such as a policy or a link, moves none of them.
    /// </summary>
    public static IEnumerable<(string Target, TimeSpan At, TimeSpan Lasts)> Of(OutagePlan plan, Scenario scenario) =>
        Targets(plan, scenario).SelectMany(target => plan.Times.MeanBetween is { } mean
            ? AtRandom(plan, mean, target, scenario)
            : Planned(plan.Times, scenario.Duration).Select(at => (target, at, plan.Times.For)));

    private static IEnumerable<string> Targets(OutagePlan plan, Scenario scenario) => plan.Kind switch
    {
        OutageKind.Site => Meant(plan, scenario.Sites),
        OutageKind.Link => Meant(plan, scenario.Links.Select(link => link.Name)),
        OutageKind.Agent or OutageKind.Host or OutageKind.CacheFull => Meant(plan, scenario.Vms.Select(vm => vm.Name)),
        _ => [""],
    };

    private static IEnumerable<string> Meant(OutagePlan plan, IEnumerable<string> names) =>
        names.Where(name => ScenarioReader.Means(plan.Target, name));

    private static IEnumerable<TimeSpan> Planned(OutageTimes times, TimeSpan duration)
    {
        for (var i = 0; i < times.Times && times.At + (times.Every * i) < duration; i++)
        {
            yield return times.At + (times.Every * i);
        }
    }

    private static IEnumerable<(string Target, TimeSpan At, TimeSpan Lasts)> AtRandom(
        OutagePlan plan, TimeSpan mean, string target, Scenario scenario)
    {
        var random = new SplittableRandom(scenario.Seed).Split($"outage/{plan.Name}/{target}");
        var at = random.Waiting(mean);
        while (at < scenario.Duration)
        {
            var lasts = random.Waiting(plan.Times.MeanDuration);
            lasts = lasts < Shortest ? Shortest : lasts;
            yield return (target, at, lasts);
            var gap = random.Waiting(mean);
            at += gap < lasts ? lasts + Shortest : gap;
        }
    }
}
