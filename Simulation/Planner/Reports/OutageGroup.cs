using ReplicationEngine.Simulation.Planner.Outages;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>All outages of one name, as distributions.</summary>
/// <param name="Name">The name.</param>
/// <param name="All">The outages, in order.</param>
internal sealed record OutageGroup(string Name, IReadOnlyList<OutageSummary> All)
{
    /// <summary>What fails.</summary>
    public string Kind => Words.Kind(All[0].Kind);

    /// <summary>How often it came.</summary>
    public int Times => All.Count;

    /// <summary>How many of them were not over, with all machines as before, by the end of the run.</summary>
    public int Open => All.Count(outage => outage.NormalAt is null);

    /// <summary>The groups of a run, in order of their first outage.</summary>
    public static IReadOnlyList<OutageGroup> Of(RunResult run) =>
    [
        .. run.Outages.GroupBy(outage => outage.Name, StringComparer.Ordinal)
            .Select(group => new OutageGroup(group.Key, [.. group])),
    ];

    /// <summary>A number of each outage: the median and the worst, as people read them.</summary>
    public string MedianAndWorst(Func<OutageSummary, double> number)
    {
        var sorted = All.Select(number).Order().ToList();
        var (median, worst) = (Words.Duration(sorted[sorted.Count / 2]), Words.Duration(sorted[^1]));
        return median == worst ? median : $"{median} … {worst}";
    }

    /// <summary>How long it lasted.</summary>
    public string Lasted => MedianAndWorst(outage => (outage.To - outage.From).TotalSeconds);

    /// <summary>How long until all was as before.</summary>
    public string NormalAfter => Open == Times ? "not by the end"
        : (this with { All = [.. All.Where(outage => outage.NormalAt is not null)] })
            .MedianAndWorst(outage => (outage.NormalAt!.Value - outage.From).TotalSeconds)
            + (Open > 0 ? $"; {Open} not by the end" : "");

    /// <summary>The worst data loss at risk of a machine.</summary>
    public string Risk => MedianAndWorst(outage => outage.RiskMax);

    /// <summary>The longest downtime of a machine.</summary>
    public string Down => MedianAndWorst(outage => outage.DownMax);

    /// <summary>How many machines it befell.</summary>
    public string Vms => All.Min(outage => outage.Vms) == All.Max(outage => outage.Vms)
        ? Words.Number(All[0].Vms, 0) : $"{All.Min(outage => outage.Vms)} … {All.Max(outage => outage.Vms)}";
}
