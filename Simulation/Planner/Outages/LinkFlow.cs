using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Shares a link fairly among the machines that send over it (max-min): a machine that wants less than an equal part
/// gets what it wants, and the others share the rest.
/// </summary>
internal sealed class LinkFlow(LinkPlan plan)
{
    private const double SegmentBytes = 1460;
    private const double WindowBytes = 16 << 20;

    private readonly List<LinkChange> _changes = [];
    private int _down;

    /// <summary>The link as the scenario plans it.</summary>
    public LinkPlan Plan => plan;

    /// <summary>The machines that send over the link.</summary>
    public List<VmModel> Users { get; } = [];

    /// <summary>Whether the link carries data: no outage has taken it down.</summary>
    public bool Up => _down == 0;

    /// <summary>The rate that flows over the link now, in bytes per second.</summary>
    public double Flowing { get; private set; }

    /// <summary>Whether the shares of the machines must be computed again.</summary>
    public bool Stale { get; set; }

    /// <summary>
    /// The bandwidth, latency and loss of the link now: the worst of the plan and of the outages in progress.
    /// </summary>
    public LinkQuality Quality
    {
        get
        {
            var quality = plan.Quality;
            foreach (var change in _changes)
            {
                quality = new LinkQuality(
                    Math.Min(quality.Bandwidth, change.Bandwidth ?? quality.Bandwidth),
                    TimeSpan.FromTicks(Math.Max(quality.Latency.Ticks, (change.Latency ?? quality.Latency).Ticks)),
                    Math.Max(quality.Loss, change.Loss ?? quality.Loss));
            }

            return quality;
        }
    }

    /// <summary>
    /// Begins an outage of the link, which is down when <paramref name="change"/> is null and degraded otherwise.
    /// </summary>
    public void Break(LinkChange? change)
    {
        if (change is null)
        {
            _down++;
        }
        else
        {
            _changes.Add(change);
        }
    }

    /// <summary>Ends an outage that <see cref="Break"/> began.</summary>
    public void Repair(LinkChange? change)
    {
        if (change is null)
        {
            _down--;
        }
        else
        {
            _changes.Remove(change);
        }
    }

    /// <summary>
    /// Returns the maximum rate of one connection in bytes per second. The window of 16 MiB in flight limits the rate,
    /// and so does the loss after Mathis et al. (1997): 1.22 segments per round trip, divided by the root of the loss.
    /// </summary>
    public static double PerConnection(LinkQuality quality)
    {
        var roundTrip = Math.Max(2 * quality.Latency.TotalSeconds, 0.0001);
        var byWindow = WindowBytes / roundTrip;
        return quality.Loss <= 0 ? byWindow
            : Math.Min(byWindow, 1.22 * SegmentBytes / (roundTrip * Math.Sqrt(quality.Loss)));
    }

    /// <summary>Computes the rate that each machine gets from now on.</summary>
    public void Share(TimeSpan now)
    {
        Stale = false;
        var quality = Quality;
        var single = PerConnection(quality);
        var left = quality.Bandwidth * (1 - quality.Loss);
        var wishes = new List<(double Wish, VmModel Vm)>(Users.Count);
        foreach (var vm in Users)
        {
            vm.Advance(now);
            var most = Math.Min(single, vm.Plan.Policy.SendLimit);
            wishes.Add((Math.Min(most, vm.WishOnWire()), vm));
        }

        // Equal wishes stay in the order of the machines, so that the result does not depend on the method of sorting.
        wishes.Sort((a, b) => a.Wish != b.Wish ? a.Wish.CompareTo(b.Wish) : a.Vm.Index.CompareTo(b.Vm.Index));
        Flowing = 0;
        for (var i = 0; i < wishes.Count; i++)
        {
            var given = Math.Min(wishes[i].Wish, left / (wishes.Count - i));
            left -= given;
            Flowing += given;
            wishes[i].Vm.Give(given, now);
        }
    }
}
