using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// A link, shared fairly: who wishes for less than an equal part gets its wish, the others share what is left
/// (max-min).
/// </summary>
internal sealed class LinkFlow(LinkPlan plan)
{
    private const double SegmentBytes = 1460;
    private const double WindowBytes = 16 << 20;

    private readonly List<LinkChange> _changes = [];
    private int _down;

    /// <summary>The link as planned.</summary>
    public LinkPlan Plan => plan;

    /// <summary>The machines that send over it.</summary>
    public List<VmModel> Users { get; } = [];

    /// <summary>Whether it carries anything.</summary>
    public bool Up => _down == 0;

    /// <summary>Bytes each second that flow now.</summary>
    public double Flowing { get; private set; }

    /// <summary>Whether its shares must be worked out again.</summary>
    public bool Stale { get; set; }

    /// <summary>What it can do now: the worst of what outages leave.</summary>
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

    /// <summary>An outage of the link begins.</summary>
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

    /// <summary>Ends an outage of the link.</summary>
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
    /// The most that one connection gets: by its window of 16 MiB in flight, and by loss after Mathis et al. (1997),
    /// 1.22 segments per round trip and root of the loss.
    /// </summary>
    public static double PerConnection(LinkQuality quality)
    {
        var roundTrip = Math.Max(2 * quality.Latency.TotalSeconds, 0.0001);
        var byWindow = WindowBytes / roundTrip;
        return quality.Loss <= 0 ? byWindow
            : Math.Min(byWindow, 1.22 * SegmentBytes / (roundTrip * Math.Sqrt(quality.Loss)));
    }

    /// <summary>Works out who gets how much from now on.</summary>
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

        // Equal wishes keep the order of the machines, so that nothing depends on how the sort goes about it.
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
