using System.Globalization;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Makes a plan from a seed. Each seed leaves out a random part of the faults and of the operations, so that no fault
/// hides behind another one that always comes first.
/// </summary>
public static class Swarm
{
    /// <summary>What every plan of a seed has.</summary>
    public const SimFeatures Always = SimFeatures.Prompt | SimFeatures.Hosts;

    private static readonly (SimAction Action, double PerHour)[] Faults =
    [
        (SimAction.AgentKill, 1), (SimAction.AgentPowerCut, 1), (SimAction.AgentPause, 1), (SimAction.ServiceKill, 1),
        (SimAction.ServicePowerCut, 1), (SimAction.ServicePause, 0.7), (SimAction.LinkCut, 2),
        (SimAction.LinkOneWay, 1), (SimAction.LinkSlow, 1), (SimAction.LinkLossy, 2), (SimAction.JournalUnknown, 3),
        (SimAction.JournalFull, 1), (SimAction.Rival, 0.7), (SimAction.ClockJump, 0.7), (SimAction.AgentDiskFull, 1),
        (SimAction.TargetDiskFull, 0.7), (SimAction.AgentSyncFails, 0.5), (SimAction.TargetSyncFails, 0.5),
        (SimAction.Rot, 0.7), (SimAction.Misdirect, 0.5), (SimAction.Poison, 0.3), (SimAction.RegionLost, 0.3),
    ];

    private static readonly (SimAction Action, double PerHour)[] Links =
        [(SimAction.LinkStall, 1.5), (SimAction.LinkHalfOpen, 1.5)];

    private static readonly (SimAction Action, double PerHour)[] Journal =
        [(SimAction.JournalTrouble, 0.7), (SimAction.JournalStall, 0.7)];

    private static readonly (SimAction Action, double PerHour)[] Hosts =
    [
        (SimAction.HostSnapshot, 5), (SimAction.HostRevert, 2), (SimAction.HostSwap, 1.5), (SimAction.DiskGrow, 0.5),
        (SimAction.DiskShrink, 1),
    ];

    private static readonly (SimAction Action, double PerHour)[] Operations =
    [
        (SimAction.MakePoint, 2), (SimAction.TestFailover, 0.7), (SimAction.PlannedFailover, 0.5),
        (SimAction.UnplannedFailover, 0.5), (SimAction.Pause, 0.5), (SimAction.Resync, 0.4), (SimAction.Passivate, 2),
    ];

    private static readonly (SimAction Action, double PerHour)[] Rare =
        [(SimAction.Disable, 0.5), (SimAction.ChangePolicy, 0.5), (SimAction.WriteInSync, 12)];

    private static readonly (SimAction Action, double PerHour)[] AtOnce = [(SimAction.WriteAtOnce, 20)];

    /// <summary>The plan of a seed.</summary>
    /// <param name="seed">The seed.</param>
    /// <param name="safety">How long faults go on.</param>
    /// <param name="vms">The number of VMs; 0 lets the seed choose 1 to 3.</param>
    /// <param name="features">What is tried and demanded beyond <see cref="Always"/>.</param>
    public static SimPlan Plan(
        ulong seed, TimeSpan safety, int vms = 0, SimFeatures features = SimFeatures.None)
    {
        var random = new SplittableRandom(seed).Split("swarm");
        var count = vms > 0 ? vms : random.Between(1, 4);
        var faults = random.Chance(0.08) ? [] : Faults.Where(_ => random.Chance(0.4)).ToArray();
        var links = random.Split("links");
        faults = [.. faults, .. faults.Length == 0 ? [] : Links.Where(_ => links.Chance(0.4))];
        var journal = random.Split("journal");
        faults = [.. faults, .. faults.Length == 0 ? [] : Journal.Where(_ => journal.Chance(0.3))];
        var hosts = random.Split("hosts");
        features = (features | Always) & (hosts.Chance(0.5) ? ~SimFeatures.None : ~SimFeatures.Hosts);
        faults = [.. faults, .. features.HasFlag(SimFeatures.Hosts) ? Hosts.Where(_ => hosts.Chance(0.7)) : []];
        var operations = Operations.Where(_ => random.Chance(0.6)).ToArray();
        var rare = random.Split("rare");
        operations = [.. operations, .. Rare.Where(_ => rare.Chance(0.25)),
            .. rare.Split("at once").Chance(0.5) ? AtOnce : []];
        var events = new List<PlannedEvent>();

        // Faults from the first moment on also hit enabling and the first copy.
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

            foreach (var (action, perHour) in faults)
            {
                Every(events, mine.Split($"fault {action}"), perHour / (IsShared(action) ? count : 1), from, to,
                    (draw, at) => [Fault(draw, at, vm, action)]);
            }
        }

        return new SimPlan
        {
            Seed = seed,
            Features = features,
            SafetyMs = (long)safety.TotalMilliseconds,
            Vms = count,
            Events = [.. Moments.Bring(events, random.Split("moments")).Where(e => e.Ms < safety.TotalMilliseconds)
                .OrderBy(e => e.Ms).ThenBy(e => e.Vm).ThenBy(e => e.Action)],
            Swarm = string.Join(' ', faults.Select(f => f.Action).Concat(operations.Select(o => o.Action))),
            RetentionMinutes = random.Chance(0.5) ? 25 : 24 * 60,
            CacheLimitBytes = random.Chance(0.3) ? 1 << 20 : 8 << 20,
        };
    }

    /// <summary>Whether an action is a fault.</summary>
    public static bool IsFault(SimAction action) => action >= SimAction.AgentKill;

    /// <summary>The letter of a fault's class.</summary>
    public static string Letter(SimAction action) => action switch
    {
        SimAction.LinkCut or SimAction.LinkOneWay => "P",
        SimAction.LinkSlow => "S",
        SimAction.LinkStall or SimAction.LinkHalfOpen => "H",
        SimAction.HostSnapshot or SimAction.HostRevert or SimAction.HostSwap or SimAction.DiskGrow
            or SimAction.DiskShrink => "Z",
        SimAction.AgentKill or SimAction.AgentPause => "A",
        SimAction.AgentPowerCut or SimAction.ServicePowerCut or SimAction.AgentSyncFails or SimAction.TargetSyncFails
            or SimAction.Misdirect => "T",
        SimAction.ServiceKill => "V",
        SimAction.ServicePause or SimAction.Rival or SimAction.JournalTrouble or SimAction.JournalStall => "L",
        SimAction.LinkLossy or SimAction.JournalUnknown => "M",
        SimAction.Rot => "B",
        SimAction.JournalFull or SimAction.AgentDiskFull or SimAction.TargetDiskFull => "D",
        SimAction.ClockJump => "C",
        SimAction.RegionLost => "R",
        SimAction.Poison => "X",
        _ => "-",
    };

    /// <summary>Whether a fault troubles the service, its journal or the replica.</summary>
    public static bool IsOfTheService(SimAction action) => IsShared(action) || action is SimAction.JournalUnknown
        or SimAction.TargetDiskFull or SimAction.TargetSyncFails or SimAction.Rot or SimAction.Misdirect;

    private static bool IsShared(SimAction action) => action is SimAction.ServiceKill or SimAction.ServicePowerCut
        or SimAction.ServicePause or SimAction.Rival or SimAction.JournalFull or SimAction.Poison
        or SimAction.JournalTrouble or SimAction.JournalStall;

    private static void Writes(List<PlannedEvent> events, int vm, SplittableRandom random, TimeSpan to)
    {
        var mean = TimeSpan.FromSeconds(random.Between(8, 60));
        for (var at = random.Waiting(mean); at < to; at += random.Waiting(mean))
        {
            var ms = (long)at.TotalMilliseconds;
            events.Add(new PlannedEvent(ms, vm, SimAction.Write, random.Next(long.MaxValue), random.Between(1, 7)));
            if (random.Chance(0.3))
            {
                events.Add(new PlannedEvent(ms + 1, vm, SimAction.Flush));
            }

            if (random.Chance(0.01))
            {
                events.AddRange(Burst(random, ms, vm));
            }
        }
    }

    /// <summary>More writes at once than a small log takes.</summary>
    private static IEnumerable<PlannedEvent> Burst(
        SplittableRandom random, long ms, int vm, int from = 10, int to = 60) =>
        Enumerable.Range(2, random.Between(from, to)).Select(
            i => new PlannedEvent(ms + i, vm, SimAction.Write, random.Next(long.MaxValue), random.Between(1, 7)));

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

    /// <summary>An operation with what usually follows it.</summary>
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
            // There is a reason for it: the source writes on, and nothing of that arrives.
            yield return new PlannedEvent(
                ms - (random.Chance(0.5) ? random.Between(300, 8_000) : random.Between(2_000, 90_000)), vm,
                random.Chance(0.5) ? SimAction.LinkCut : SimAction.LinkStall, random.Between(100, 600) * 1000L, 3);
        }

        yield return new PlannedEvent(
            ms, vm, action, random.Next(long.MaxValue), action switch
            {
                SimAction.WriteInSync when random.Chance(0.2) => 1,
                SimAction.WriteAtOnce => random.Between(2, 5),
                _ => 0,
            });
        switch (action)
        {
            case SimAction.TestFailover:
                yield return new PlannedEvent(
                    Later(20, 60), vm, SimAction.TestWrite, random.Next(long.MaxValue), random.Between(1, 9));
                yield return new PlannedEvent(Later(30, 600), vm, SimAction.CleanUp);
                break;
            case SimAction.WriteAtOnce:
                foreach (var more in AtTheSameTime(random, ms, vm))
                {
                    yield return more;
                }

                break;
            case SimAction.Disable:
                yield return new PlannedEvent(Later(1, 300), vm, SimAction.Enable);
                break;
            case SimAction.Pause:
                yield return new PlannedEvent(Later(30, 900), vm, SimAction.Resume);
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

    /// <summary>What follows a failover: another point, a cancel, or the whole way there and back.</summary>
    private static IEnumerable<PlannedEvent> AfterFailover(SplittableRandom random, long ms, int vm)
    {
        long Later(int fromSeconds, int toSeconds) => ms += random.Between(fromSeconds, toSeconds) * 1000L;
        if (random.Chance(0.2))
        {
            yield return new PlannedEvent(
                Later(20, 200), vm, SimAction.ChangePoint, random.Next(long.MaxValue));
        }

        if (random.Chance(0.25))
        {
            yield return new PlannedEvent(Later(1, 200), vm, SimAction.Cancel);
            yield break;
        }

        yield return new PlannedEvent(Later(20, 300), vm, SimAction.Commit);
        yield return new PlannedEvent(Later(20, 200), vm, SimAction.Reprotect);
        var failback = Later(60, 600);
        foreach (var write in random.Chance(0.5) ? Burst(random, failback - 60, vm) : [])
        {
            yield return write;
        }

        yield return new PlannedEvent(failback, vm, SimAction.Failback);
        yield return new PlannedEvent(Later(20, 300), vm, random.Chance(0.15)
            ? SimAction.Cancel : SimAction.Commit);
        yield return new PlannedEvent(Later(20, 100), vm, SimAction.Commit);
        yield return new PlannedEvent(Later(20, 100), vm, SimAction.Reprotect);
    }

    /// <summary>What happens while several writes are under way: more of them, flushes, points.</summary>
    private static IEnumerable<PlannedEvent> AtTheSameTime(SplittableRandom random, long ms, int vm)
    {
        for (var i = random.Next(4); i > 0; i--)
        {
            yield return new PlannedEvent(
                ms + random.Between(1, 40), vm, SimAction.WriteAtOnce, random.Next(long.MaxValue),
                random.Between(1, 4));
        }

        if (random.Chance(0.3))
        {
            yield return new PlannedEvent(
                ms + random.Between(1, 40), vm, SimAction.Write, random.Next(long.MaxValue), 2);
        }

        if (random.Chance(0.3))
        {
            yield return new PlannedEvent(ms + random.Between(1, 40), vm, SimAction.Flush);
        }

        if (random.Chance(0.1))
        {
            yield return new PlannedEvent(ms + random.Between(1, 20), vm, SimAction.MakePoint);
        }
    }

    private static PlannedEvent Fault(SplittableRandom random, TimeSpan at, int vm, SimAction action)
    {
        var ms = (long)at.TotalMilliseconds;
        long Seconds(int from, int to) => random.Between(from, to) * 1000L;
        return action switch
        {
            SimAction.AgentKill or SimAction.AgentPowerCut or SimAction.ServiceKill or SimAction.ServicePowerCut =>
                new PlannedEvent(ms, vm, action, random.Chance(0.3) ? 0 : random.Between(1, 60)),
            SimAction.AgentPause or SimAction.ServicePause => new PlannedEvent(ms, vm, action, Seconds(1, 120)),
            SimAction.LinkCut => new PlannedEvent(ms, vm, action, Seconds(1, 600)),
            SimAction.LinkOneWay => new PlannedEvent(ms, vm, action, Seconds(1, 200), random.Between(0, 2)),
            SimAction.LinkStall => new PlannedEvent(
                ms, vm, action, random.Chance(0.3) ? Seconds(60, 1800) : Seconds(1, 60), random.Between(1, 4)),
            SimAction.HostRevert => new PlannedEvent(ms, vm, action, random.Between(1, 4), random.Between(0, 2)),
            SimAction.DiskGrow => new PlannedEvent(ms, vm, action, 0, random.Between(1, 1024)),
            SimAction.DiskShrink => new PlannedEvent(ms, vm, action, Seconds(1, 200), random.Next(8)),
            SimAction.LinkHalfOpen => new PlannedEvent(ms, vm, action, Seconds(1, 120), random.Between(1, 4)),
            SimAction.LinkSlow => new PlannedEvent(ms, vm, action, Seconds(10, 400), random.Between(50, 3000)),
            SimAction.LinkLossy => new PlannedEvent(ms, vm, action, Seconds(5, 120)),
            SimAction.JournalUnknown => new PlannedEvent(ms, vm, action, random.Between(0, 2)),
            SimAction.JournalFull => new PlannedEvent(ms, vm, action, Seconds(5, 200)),
            SimAction.Rival => new PlannedEvent(ms, vm, action, Seconds(5, 100)),
            SimAction.JournalTrouble or SimAction.JournalStall => new PlannedEvent(ms, vm, action, Seconds(1, 60)),
            SimAction.ClockJump => new PlannedEvent(ms, vm, action, Jump(random), random.Between(0, 2)),
            SimAction.AgentDiskFull or SimAction.TargetDiskFull =>
                new PlannedEvent(ms, vm, action, Seconds(10, 500), random.Between(0, 512 << 10)),
            SimAction.RegionLost => new PlannedEvent(ms, vm, action, Seconds(300, 1800)),
            _ => new PlannedEvent(ms, vm, action, random.Next(long.MaxValue)),
        };
    }

    private static long Jump(SplittableRandom random)
    {
        var size = random.Pick<long>([5_000, 3_600_000, 86_400_000, 365L * 86_400_000]);
        return random.Chance(0.5) ? size : -size;
    }
}
