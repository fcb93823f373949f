using System.Collections.Concurrent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A world whose wall clocks jump, by up to a year, next to one whose clocks do not.</summary>
public sealed class Clocks_that_jump
{
    private static readonly TimeSpan Faults = TimeSpan.FromHours(1);

    [Fact]
    [Trait("Req", "I26")]
    public void Only_timestamps_tell_that_a_wall_clock_jumped()
    {
        var different = new ConcurrentQueue<string>();
        Parallel.For(0, 20, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            if (Difference(Uncompressed(Seeds.OfCommit) + (2 * (ulong)i), () => new Watched()) is { } difference)
            {
                different.Enqueue(difference);
            }
        });
        Assert.True(different.IsEmpty, string.Join('\n', different));
    }

    [Fact]
    public void A_host_whose_start_goes_with_the_wall_clock_is_found_out()
    {
        // The seed that found it last is run first.
        foreach (var number in Enumerable.Range(1, 20).Prepend(5).Distinct())
        {
            if (Difference(Uncompressed(40_000) + (2 * (ulong)(number - 1)), () => new StartGoesAlong()) is { } found)
            {
                TestContext.Current.TestOutputHelper?.WriteLine($"{number}: {found}");
                return;
            }
        }

        Assert.Fail("It was not found within 20 seeds.");
    }

    // Odd seeds send frames as they are: of the same length, whatever times stand in them.
    private static ulong Uncompressed(ulong seed) => seed | 1;

    /// <summary>The first event that happens otherwise, or at another time, when wall clocks jump.</summary>
    private static string? Difference(ulong seed, Func<Watched> parts)
    {
        var plan = Swarm.Plan(seed, Faults);

        // Without times of files: change times are the wall clock's, and a doubtful one rightly costs a comparison.
        // Without deaths too: what the log holds from before the process is as old as the wall clock says (I21).
        var calm = plan with
        {
            Features = plan.Features & ~SimFeatures.Hosts,
            Events = [.. plan.Events.OfType<PlannedAction>()
                .Select(e => e.Action == SimAction.WriteInSync ? e with { B = 0 } : e)],
        };
        var jumps = Enumerable.Range(1, 5).Select(n => new PlannedFault(
            n * 10 * 60_000, 0, FaultList.Of<ClockJump>(), Jump(plan.Seed, n), n % 2));
        var one = Happened(calm, parts()).Append("the end").ToList();
        var other = Happened(
            calm with { Events = [.. calm.Events.Concat(jumps).OrderBy(e => e.Ms)] }, parts()).Append("the end");
        var (a, b) = one.Zip(other).FirstOrDefault(pair => pair.First != pair.Second);
        return a is null ? null : $"seed {seed}: '{a}' without jumps is '{b}' with them";
    }

    private static long Jump(ulong seed, int n) =>
        (n % 2 == (int)(seed % 2) ? 1 : -1) * 86_400_000L * (n % 3 == 0 ? 365 : n);

    /// <summary>Each event that became durable, and when by a clock that nobody sets.</summary>
    private static List<string> Happened(SimPlan plan, Watched parts)
    {
        var world = new SimWorld(plan, parts);
        parts.Now = () => world.Queue.Now;
        var broken = world.Run().Broken;
        Assert.True(broken is null || parts is StartGoesAlong, broken?.Message);
        return parts.Seen;
    }

    private sealed class StartGoesAlong : Watched
    {
        public override IVmCore Core(PersistenceId id, EntityMemory memory) => new AlongCore(base.Core(id, memory));
    }

    private sealed class AlongCore(IVmCore core) : IVmCore
    {
        public EntityPhase Phase => core.Phase;

        public bool CanAccept => core.CanAccept;

        public ProtectedVmState State => core.State;

        public StreamHead Head => core.Head;

        public IReadOnlyList<CoreOutput> Step(CoreInput<ProtectedVmCommand> input, EngineInstant now) =>
            core.Step(input, now with { HostStarted = now.Wall });
    }

    private class Watched : FaultyParts
    {
        public Func<TimeSpan> Now { get; set; } = () => default;

        public List<string> Seen { get; } = [];

        // That the clocks differ is an event of its own, which a world without jumps cannot have: no clock is read.
        public override Func<AgentRequest, CancellationToken, Task<AgentReply>> Answers(VolumeSet volumes)
        {
            var answers = base.Answers(volumes);
            return async (request, ct) =>
            {
                var reply = await answers(request, ct);
                return reply is AgentReply.ClockRead
                    ? new AgentReply.Failed("no-clock", "The clock is not read.", null, false) : reply;
            };
        }

        public override IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all) => [.. all, new Observer(this)];
    }

    private sealed class Observer(Watched parts) : Checker
    {
        public override string Id => "I26";

        public override void Appended(SeenAppend seen)
        {
            if (seen.Stored && parts.Now() < Faults)
            {
                parts.Seen.AddRange(seen.Events.Select(e => $"{parts.Now()} {seen.Id} {e.Name}"));
            }
        }
    }
}
