using System.Globalization;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Plans;

/// <summary>
/// Makes a plan from a seed. Each seed omits a random part of the faults and operations, so that no fault hides behind
/// another one that always strikes first.
/// </summary>
internal static class Swarm
{
    /// <summary>
    /// The features that plans of every seed may have. Half of the seeds omit <see cref="SimFeatures.Hosts"/>, unless
    /// it is asked for.
    /// </summary>
    public const SimFeatures Always = SimFeatures.Prompt | SimFeatures.Hosts;

    private static readonly (SimAction Action, double PerHour)[] Operations =
    [
        (SimAction.MakePoint, 2), (SimAction.TestFailover, 0.7), (SimAction.PlannedFailover, 0.5),
        (SimAction.UnplannedFailover, 0.5), (SimAction.Pause, 0.5), (SimAction.Resync, 0.4), (SimAction.Passivate, 2),
    ];

    private static readonly (SimAction Action, double PerHour)[] Rare =
        [(SimAction.Disable, 0.5), (SimAction.ChangePolicy, 0.5), (SimAction.WriteInSync, 12)];

    private static readonly (SimAction Action, double PerHour)[] AtOnce = [(SimAction.WriteAtOnce, 20)];

    /// <summary>Makes the plan of a seed.</summary>
    /// <param name="seed">The seed of all draws.</param>
    /// <param name="safety">The length of the safety phase, in which faults happen.</param>
    /// <param name="vms">The number of VMs; 0 lets the seed choose 1 to 3.</param>
    /// <param name="features">The features that the run has in addition to <see cref="Always"/>.</param>
    public static SimPlan Plan(
        ulong seed, TimeSpan safety, int vms = 0, SimFeatures features = SimFeatures.None)
    {
        var random = new SplittableRandom(seed).Split("swarm");
        var count = vms > 0 ? vms : random.Between(1, 4);
        List<Fault> faults = random.Chance(0.08) ? [] : [.. Some(FaultGroup.First, random, 0.4)];
        if (faults.Count > 0)
        {
            faults.AddRange(Some(FaultGroup.Links, random.Split("links"), 0.4));
            faults.AddRange(Some(FaultGroup.Journal, random.Split("journal"), 0.3));
        }

        var hosts = random.Split("hosts");
        features |= hosts.Chance(0.5) ? Always : Always & ~SimFeatures.Hosts;
        faults.AddRange(features.HasFlag(SimFeatures.Hosts) ? Some(FaultGroup.Hosts, hosts, 0.7) : []);
        var operations = Operations.Where(_ => random.Chance(0.6)).ToArray();
        var rare = random.Split("rare");
        operations = [.. operations, .. Rare.Where(_ => rare.Chance(0.25)),
            .. rare.Split("at once").Chance(0.5) ? AtOnce : []];
        var events = new List<PlannedEvent>();

        // Faults that begin almost at once also hit the first protection of the VM and the first copy.
        var (from, to) = (rare.Chance(0.3) ? TimeSpan.FromSeconds(5) : TimeSpan.FromMinutes(4), safety);
        for (var vm = 0; vm < count; vm++)
        {
            var mine = random.Split(string.Create(CultureInfo.InvariantCulture, $"vm{vm}"));
            Writes(events, vm, mine.Split("writes"), to);
            foreach (var (action, perHour) in operations)
            {
                Every(events, mine.Split($"op {action}"), perHour, from, to,
                    (draw, at) => Operate(draw, at, vm, action));
            }

            foreach (var fault in faults)
            {
                Every(events, mine.Split($"fault {fault}"), fault.PerHour / (fault.IsShared ? count : 1), from, to,
                    (draw, at) => [Break(draw, at, vm, fault)]);
            }
        }

        return new SimPlan
        {
            Seed = seed,
            Features = features,
            SafetyMs = (long)safety.TotalMilliseconds,
            Vms = count,
            Events = [.. Moments.Bring(events, random.Split("moments")).Where(e => e.Ms < safety.TotalMilliseconds)
                .OrderBy(e => e.Ms).ThenBy(e => e.Vm).ThenBy(e => e.Order)],
            Swarm = string.Join(' ', faults.Select(f => f.Name).Concat(operations.Select(o => o.Action.ToString()))),
            RetentionMinutes = random.Chance(0.5) ? 25 : 24 * 60,
            CacheLimitBytes = random.Chance(0.3) ? 1 << 20 : 8 << 20,
        };
    }

    // Draws at once instead of lazily, because others continue to draw from the same random numbers.
    private static List<Fault> Some(FaultGroup group, SplittableRandom random, double chance) =>
        [.. FaultList.All.Where(fault => fault.Group == group && random.Chance(chance))];

    private static void Writes(List<PlannedEvent> events, int vm, SplittableRandom random, TimeSpan to)
    {
        var mean = TimeSpan.FromSeconds(random.Between(8, 60));
        for (var at = random.Waiting(mean); at < to; at += random.Waiting(mean))
        {
            var ms = (long)at.TotalMilliseconds;
            events.Add(new PlannedAction(ms, vm, SimAction.Write, random.Next(long.MaxValue), random.Between(1, 7)));
            if (random.Chance(0.3))
            {
                events.Add(new PlannedAction(ms + 1, vm, SimAction.Flush));
            }

            if (random.Chance(0.01))
            {
                events.AddRange(Burst(random, ms, vm));
            }
        }
    }

    /// <summary>Draws more writes in one moment than a small log holds.</summary>
    private static IEnumerable<PlannedEvent> Burst(
        SplittableRandom random, long ms, int vm, int from = 10, int to = 60) =>
        Enumerable.Range(2, random.Between(from, to)).Select(
            i => new PlannedAction(ms + i, vm, SimAction.Write, random.Next(long.MaxValue), random.Between(1, 7)));

    private static void Every(
        List<PlannedEvent> events, SplittableRandom random, double perHour, TimeSpan from, TimeSpan to,
        Func<SplittableRandom, TimeSpan, IEnumerable<PlannedEvent>> make)
    {
        var mean = TimeSpan.FromHours(1 / perHour);
        for (var at = from + random.Waiting(mean); at < to; at += random.Waiting(mean))
        {
            events.AddRange(make(random, at));
        }
    }

    /// <summary>Draws an operation together with the events that usually follow it.</summary>
    private static IEnumerable<PlannedEvent> Operate(SplittableRandom random, TimeSpan at, int vm, SimAction action)
    {
        var ms = (long)at.TotalMilliseconds;
        long Later(int fromSeconds, int toSeconds) => ms += random.Between(fromSeconds, toSeconds) * 1000L;
        var busy = action is SimAction.PlannedFailover && random.Chance(0.5);
        foreach (var write in busy ? Burst(random, ms - 300, vm, 100, 300) : [])
        {
            yield return write;
        }

        if (action is SimAction.UnplannedFailover && random.Chance(0.4))
        {
            // An unplanned failover has a cause: the source continues to write, and none of it reaches the target.
            yield return new PlannedFault(
                ms - (random.Chance(0.5) ? random.Between(300, 8_000) : random.Between(2_000, 90_000)), vm,
                random.Chance(0.5) ? FaultList.Of<LinkCut>() : FaultList.Of<LinkStall>(),
                random.Between(100, 600) * 1000L, 3);
        }

        yield return new PlannedAction(
            ms, vm, action, random.Next(long.MaxValue), action switch
            {
                SimAction.WriteInSync when random.Chance(0.2) => 1,
                SimAction.WriteAtOnce => random.Between(2, 5),
                _ => 0,
            });
        switch (action)
        {
            case SimAction.TestFailover:
                yield return new PlannedAction(
                    Later(20, 60), vm, SimAction.TestWrite, random.Next(long.MaxValue), random.Between(1, 9));
                yield return new PlannedAction(Later(30, 600), vm, SimAction.CleanUp);
                break;
            case SimAction.WriteAtOnce:
                foreach (var more in AtTheSameTime(random, ms, vm))
                {
                    yield return more;
                }

                break;
            case SimAction.Disable:
                yield return new PlannedAction(Later(1, 300), vm, SimAction.Enable);
                break;
            case SimAction.Pause:
                yield return new PlannedAction(Later(30, 900), vm, SimAction.Resume);
                break;
            case SimAction.PlannedFailover or SimAction.UnplannedFailover:
                foreach (var next in AfterFailover(random, ms, vm))
                {
                    yield return next;
                }

                break;
            default:
                break;
        }
    }

    /// <summary>
    /// Draws the events after a failover: another point, a cancel, or the whole way to the target and back.
    /// </summary>
    private static IEnumerable<PlannedEvent> AfterFailover(SplittableRandom random, long ms, int vm)
    {
        long Later(int fromSeconds, int toSeconds) => ms += random.Between(fromSeconds, toSeconds) * 1000L;
        if (random.Chance(0.2))
        {
            yield return new PlannedAction(
                Later(20, 200), vm, SimAction.ChangePoint, random.Next(long.MaxValue));
        }

        if (random.Chance(0.25))
        {
            yield return new PlannedAction(Later(1, 200), vm, SimAction.Cancel);
            yield break;
        }

        yield return new PlannedAction(Later(20, 300), vm, SimAction.Commit);
        yield return new PlannedAction(Later(20, 200), vm, SimAction.Reprotect);
        var failback = Later(60, 600);
        foreach (var write in random.Chance(0.5) ? Burst(random, failback - 60, vm) : [])
        {
            yield return write;
        }

        yield return new PlannedAction(failback, vm, SimAction.Failback);
        yield return new PlannedAction(Later(20, 300), vm, random.Chance(0.15)
            ? SimAction.Cancel : SimAction.Commit);
        yield return new PlannedAction(Later(20, 100), vm, SimAction.Commit);
        yield return new PlannedAction(Later(20, 100), vm, SimAction.Reprotect);
    }

    /// <summary>Draws events while several writes are in progress: more writes, flushes, recovery points.</summary>
    private static IEnumerable<PlannedEvent> AtTheSameTime(SplittableRandom random, long ms, int vm)
    {
        for (var i = random.Next(4); i > 0; i--)
        {
            yield return new PlannedAction(
                ms + random.Between(1, 40), vm, SimAction.WriteAtOnce, random.Next(long.MaxValue),
                random.Between(1, 4));
        }

        if (random.Chance(0.3))
        {
            yield return new PlannedAction(
                ms + random.Between(1, 40), vm, SimAction.Write, random.Next(long.MaxValue), 2);
        }

        if (random.Chance(0.3))
        {
            yield return new PlannedAction(ms + random.Between(1, 40), vm, SimAction.Flush);
        }

        if (random.Chance(0.1))
        {
            yield return new PlannedAction(ms + random.Between(1, 20), vm, SimAction.MakePoint);
        }
    }

    private static PlannedFault Break(SplittableRandom random, TimeSpan at, int vm, Fault fault)
    {
        var (a, b) = fault.Draw(random);
        return new PlannedFault((long)at.TotalMilliseconds, vm, fault, a, b);
    }
}
