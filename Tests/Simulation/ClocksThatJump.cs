using System.Collections.Concurrent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.World;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>A world whose wall clocks jump, by up to a year, beside one whose clocks do not.</summary>
public sealed class ClocksThatJump
{
    private static readonly TimeSpan Faults = TimeSpan.FromHours(1);

    [Fact]
    [Trait("Req", "I26")]
    public void Only_timestamps_tell_that_a_wall_clock_jumped()
    {
        var different = new ConcurrentQueue<string>();
        Parallel.For(0, 30, new ParallelOptions { MaxDegreeOfParallelism = Environment.ProcessorCount }, i =>
        {
            var plan = Swarm.Plan(Seeds.OfCommit + (ulong)i, Faults);
            var calm = plan with { Events = [.. plan.Events.Where(e => !Swarm.IsFault(e.Action))] };
            var jumps = Enumerable.Range(1, 5).Select(n => new PlannedEvent(
                n * 10 * 60_000, 0, SimAction.ClockJump, Jump(plan.Seed, n), n % 2));
            var (one, other) = (Happened(calm), Happened(calm with
            {
                Events = [.. calm.Events.Concat(jumps).OrderBy(e => e.Ms)],
            }));
            if (!one.SequenceEqual(other))
            {
                var (a, b) = one.Concat(["the end"]).Zip(other.Concat(["the end"])).First(p => p.First != p.Second);
                different.Enqueue($"seed {plan.Seed}: '{a}' without jumps is '{b}' with them");
            }
        });
        Assert.True(different.IsEmpty, string.Join('\n', different));
    }

    private static long Jump(ulong seed, int n) =>
        (n % 2 == (int)(seed % 2) ? 1 : -1) * 86_400_000L * (n % 3 == 0 ? 365 : n);

    /// <summary>Each event that became durable, and when by a clock that nobody sets.</summary>
    private static List<string> Happened(SimPlan plan)
    {
        var parts = new Watched();
        var world = new SimWorld(plan, parts);
        parts.Now = () => world.Queue.Now;
        Assert.Null(world.Run().Broken);
        return parts.Seen;
    }

    private sealed class Watched : SimParts
    {
        public Func<TimeSpan> Now { get; set; } = () => default;

        public List<string> Seen { get; } = [];

        public override IReadOnlyList<Checker> Checkers(IReadOnlyList<Checker> all) => [.. all, new Observer(this)];
    }

    private sealed class Observer(Watched parts) : Checker
    {
        public override string Id => "I26";

        public override void Appended(AppendRequest request, AppendOutcome outcome)
        {
            if (outcome is AppendOutcome.Appended && parts.Now() < Faults)
            {
                parts.Seen.AddRange(request.Events.Select(e => $"{parts.Now()} {request.Id} {e.Name}"));
            }
        }
    }
}
