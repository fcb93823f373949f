namespace ReplicationEngine.Chaos.Plans;

/// <summary>
/// The faults of each round and their times. A round's plan is derived from the seed, its number, the allowed faults
/// and the number of VMs alone, so the same command line gives the same plan. The instruction that a planned kill
/// interrupts is not determined, because the processes are real.
/// </summary>
internal sealed class ChaosPlan(int seed, IReadOnlyList<Fault> faults, int vms)
{
    private const int OperationsOfAStory = 6;
    private static readonly int[] CacheLimits = [0, 8, 32];

    /// <summary>The limit of the agent's cache in MiB; 0 for the agent's own default.</summary>
    public int CacheLimitMiB { get; } = CacheLimits[new Random(seed).Next(CacheLimits.Length)];

    /// <summary>Returns the plan of a round, counted from 1.</summary>
    public RoundPlan Round(int number)
    {
        var random = new Random(unchecked((seed * 7919) + number));
        var planned = Faults(random, faults);
        var orders = Enumerable.Range(0, random.Next(1, 5)).Select(_ => new PlannedOrder(
            random.Next(4) switch { 0 => "pause", 1 => "resume", _ => "point" }, random.Next(vms),
            Seconds(random, 0, 8))).OrderBy(order => order.At).ToList();
        return new RoundPlan(number, planned, orders, number % 2 == 0 ? Story(random) : null);
    }

    private static List<PlannedFault> Faults(Random random, IReadOnlyList<Fault> allowed)
    {
        var planned = new List<PlannedFault>();
        for (var left = allowed.Count == 0 ? 0 : random.Next(2, 5); left > 0; left--)
        {
            var fault = allowed[random.Next(allowed.Count)];
            var at = Seconds(random, 0.2, 6);
            var one = new PlannedFault(fault, at, Length(random, fault));
            if (planned.All(other => !Collide(one, other)))
            {
                planned.Add(one);
            }
        }

        return [.. planned.OrderBy(fault => fault.At)];
    }

    // Some faults last longer than the 20 seconds after which a silent peer counts as lost.
    private static TimeSpan Length(Random random, Fault fault)
    {
        var isLong = random.Next(8) == 0;
        return fault switch
        {
            Fault.KillAgent or Fault.KillService or Fault.KillBoth or Fault.LoseJournal or Fault.OldJournal =>
                Seconds(random, 0, 2),
            Fault.FullDisk => Seconds(random, 2, 6),
            Fault.PauseAgent => Seconds(random, 0.2, 6),
            _ => isLong ? Seconds(random, 22, 26) : Seconds(random, 0.2, 7),
        };
    }

    private static bool Collide(PlannedFault one, PlannedFault other)
    {
        var pause = TimeSpan.FromSeconds(0.3);
        return (FaultNames.LanesOf(one.Fault) & FaultNames.LanesOf(other.Fault)) != Lanes.None
            && one.At < other.At + other.For + pause && other.At < one.At + one.For + pause;
    }

    private static TimeSpan Seconds(Random random, double from, double to) =>
        TimeSpan.FromMilliseconds(Math.Round((from + (random.NextDouble() * (to - from))) * 1000));

    private StoryPlan Story(Random random)
    {
        var kinds = Enum.GetValues<StoryKind>();
        var kind = kinds[random.Next(kinds.Length)];
        var vm = random.Next(vms);
        var changes = random.Next(3) == 0;
        var kills = Enumerable.Range(0, OperationsOfAStory).Select(_ => Kill(random)).ToList();
        return new StoryPlan(kind, vm, changes, kills, Faults(random, [.. faults.Where(WhileReversed)]));
    }

    // A journal that is recovered resets the progress of a reverse replication.
    private static bool WhileReversed(Fault fault) =>
        fault is not (Fault.FullDisk or Fault.LoseJournal or Fault.OldJournal or Fault.Stranger);

    private PlannedKill? Kill(Random random)
    {
        var (killed, who) = (random.Next(5) < 2, random.Next(3));
        var (after, down) = (Seconds(random, 0, 0.8), Seconds(random, 0, 1));
        var agent = who != 0 && Any(Fault.KillAgent, Fault.KillBoth);
        var service = who != 1 && Any(Fault.KillService, Fault.KillBoth);
        return killed && (agent || service) ? new PlannedKill(agent, service, after, down) : null;
    }

    private bool Any(params ReadOnlySpan<Fault> wanted)
    {
        foreach (var fault in wanted)
        {
            if (faults.Contains(fault))
            {
                return true;
            }
        }

        return false;
    }
}
