using ReplicationEngine.Simulation.Planner.Outages;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>The outages of one name, with the distributions of their effects.</summary>
/// <param name="Name">The name of the outages.</param>
/// <param name="All">The outages, in the order of their beginnings.</param>
internal sealed record OutageGroup(string Name, IReadOnlyList<OutageSummary> All)
{
    /// <summary>The kind of the outages, in words.</summary>
    public string Kind => Words.Kind(All[0].Kind);

    /// <summary>The number of outages of the name.</summary>
    public int Times => All.Count;

    /// <summary>The number of outages after which not all machines were as before by the end of the run.</summary>
    public int Open => All.Count(outage => outage.NormalAt is null);

    /// <summary>Returns the groups of a run, in the order of their first outages.</summary>
    public static IReadOnlyList<OutageGroup> Of(RunResult run) =>
    [
        .. run.Outages.GroupBy(outage => outage.Name, StringComparer.Ordinal)
            .Select(group => new OutageGroup(group.Key, [.. group])),
    ];

    /// <summary>Returns the median and the worst of a duration over the outages, as people read them.</summary>
    public string MedianAndWorst(Func<OutageSummary, double> number)
    {
        var sorted = All.Select(number).Order().ToList();
        var (median, worst) = (Words.Duration(sorted[sorted.Count / 2]), Words.Duration(sorted[^1]));
        return median == worst ? median : $"{median} … {worst}";
    }

    /// <summary>The duration of the outages: the median and the worst.</summary>
    public string Lasted => MedianAndWorst(outage => (outage.To - outage.From).TotalSeconds);

    /// <summary>
    /// The time from the beginning of an outage until everything was as before: the median and the worst.
    /// </summary>
    public string NormalAfter => Open == Times ? "not by the end"
        : (this with { All = [.. All.Where(outage => outage.NormalAt is not null)] })
            .MedianAndWorst(outage => (outage.NormalAt!.Value - outage.From).TotalSeconds)
            + (Open > 0 ? $"; {Open} not by the end" : "");

    /// <summary>
    /// The worst data loss at risk of a machine in an outage: the median and the worst over the outages.
    /// </summary>
    public string Risk => MedianAndWorst(outage => outage.RiskMax);

    /// <summary>The longest downtime of a machine in an outage: the median and the worst over the outages.</summary>
    public string Down => MedianAndWorst(outage => outage.DownMax);

    /// <summary>
    /// The number of machines that an outage affects; the smallest and the largest number when they differ.
    /// </summary>
    public string Vms => All.Min(outage => outage.Vms) == All.Max(outage => outage.Vms)
        ? Words.Number(All[0].Vms, 0) : $"{All.Min(outage => outage.Vms)} … {All.Max(outage => outage.Vms)}";
}
