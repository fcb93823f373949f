using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Tests.TestKit.ProtectedVms;
using Xunit;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;

namespace ReplicationEngine.Tests.Engine.ProtectedVms;

/// <summary>Health against what is observed: each departure from "served, reporting, in step" has its cause.</summary>
public sealed class What_is_observed_of_a_vm
{
    private static readonly SourceObservation Sound = new()
    {
        Role = SourceRole.Primary, Term = Term.First, Capture = CaptureMode.Logging, Connected = true, Streaming = true,
    };

    private static readonly VmObservation Fine =
        new(AgentPresence.Connected, Sound, new TargetObservation(), TimeSpan.Zero, 0);

    public static TheoryData<string> Departures => [.. Departing.Keys];

    private static Dictionary<string, (VmObservation Observe, HealthKind Kind, HealthLevel Level)> Departing { get; } =
        new(StringComparer.Ordinal)
        {
            ["a disk that is missing"] = (
                Fine with
                {
                    Source = null,
                    Astray = new SourceAstray(EffectError.Of(
                        ErrorClass.Recoverable, "Disk '/disks/a.img' is missing.", "Bring it back.")),
                },
                HealthKind.SourceNotServed, HealthLevel.Critical),
            ["a disk that cannot be opened"] = (
                Fine with
                {
                    Source = Sound with
                    {
                        Capture = CaptureMode.Closed, Connected = false,
                        Problems = [EffectError.Of(ErrorClass.Recoverable, "Disk 'a' is locked.", "Unlock it.")],
                    },
                    Target = null,
                },
                HealthKind.SourceNotServed, HealthLevel.Critical),
            ["another term"] = (
                Fine with { Source = Sound with { Term = new Term(7) }, Astray = new SourceAstray(null) },
                HealthKind.SourceNotServed, HealthLevel.Critical),
            ["a disk without an address"] = (
                Fine with { Source = Sound with { Unserved = ["/disks/b.img"] } },
                HealthKind.SourceNotServed, HealthLevel.Critical),
            ["an agent that is away"] = (
                Fine with { Agent = AgentPresence.Away, Source = null, AtRisk = TimeSpan.FromSeconds(70) },
                HealthKind.AgentDisconnected, HealthLevel.Warning),
            ["a stream that is down"] = (
                Fine with { StreamDownFor = TimeSpan.FromSeconds(11) },
                HealthKind.ReplicationStalled, HealthLevel.Warning),
            ["a full target"] = (
                Fine with { Target = new TargetObservation { FullBecause = "No space left on device." } },
                HealthKind.TargetFull, HealthLevel.Critical),
            ["a target with little room"] = (
                Fine with { Target = new TargetObservation { Room = new TargetRoom(1 << 20, 1 << 30) } },
                HealthKind.TargetFull, HealthLevel.Warning),
            ["clocks that differ"] = (
                Fine with { ClockOffset = TimeSpan.FromDays(-1) }, HealthKind.ClockOffset, HealthLevel.Warning),
        };

    [Fact]
    [Trait("Req", "OPS-2")]
    public void Is_normal_when_it_is_served_and_in_step() =>
        Assert.Equal(
            HealthLevel.Normal, ProtectedVmHealth.Of(Stories.Protected().State, Fine, Story.Monday).Level);

    [Theory]
    [Trait("Req", "OPS-2")]
    [MemberData(nameof(Departures))]
    public void Is_told_at_once_with_a_remedy_and_becomes_history_once(string departure)
    {
        var (observation, kind, level) = Departing[departure];
        var story = Stories.Protected();

        var now = ProtectedVmHealth.Of(story.State, observation, story.Now);
        var cause = Assert.Single(now.Causes);
        Assert.Equal((kind, level, level), (cause.Kind, cause.Level, now.Level));
        Assert.NotEmpty(cause.Remedy);

        foreach (var fact in VmFacts.Of(story.State, observation))
        {
            story.Do(fact);
        }

        Assert.Equal(cause, Assert.Single(ProtectedVmHealth.Of(story.State).Causes));
        Assert.Empty(VmFacts.Of(story.State, observation));
        foreach (var fact in VmFacts.Of(story.State, Fine))
        {
            story.Do(fact);
        }

        Assert.Equal(HealthLevel.Normal, ProtectedVmHealth.Of(story.State).Level);
    }

    [Fact]
    public void Goes_unsaid_while_an_agent_that_should_say_it_is_away()
    {
        var story = Stories.Protected().With(new RecordHealthCause(Cause(HealthKind.SourceNotServed)));

        Assert.DoesNotContain(
            VmFacts.Of(story.State, Fine with { Agent = AgentPresence.Missed, Source = null }),
            fact => fact is RecordHealthRestored);
    }

    [Fact]
    public void Began_when_it_was_first_told_however_its_words_change()
    {
        var story = Stories.Protected().With(new RecordHealthCause(Cause(HealthKind.TargetFull)));
        var since = story.Now;

        story.After(TimeSpan.FromMinutes(3)).Do(new RecordHealthCause(
            Cause(HealthKind.TargetFull) with { Level = HealthLevel.Critical, Message = "No room at all." }));

        Assert.Equal(since, Assert.Single(story.State.Causes).Since);
    }

    [Fact]
    [Trait("Req", "RCP-3")]
    public void Lets_crash_points_go_on_where_the_policy_wants_what_the_agent_has_no_hooks_for()
    {
        var story = Stories.Protected().With(new UpdatePolicy(
            ReplicationPolicy.Default with { AppConsistentEvery = TimeSpan.FromHours(1) }));
        var observation = Fine with { Source = Sound with { HasHooks = false } };

        foreach (var fact in VmFacts.Of(story.State, observation))
        {
            story.Do(fact);
        }

        Assert.Equal(HealthKind.NoHooks, Assert.Single(story.State.Causes).Kind);
        story.Fire("point");
        Assert.Equal(PointKind.Crash, story.State.PointSchedule.Pending!.Kind);
    }

    [Fact]
    [Trait("Req", "RCP-2")]
    public void Refuses_an_application_point_when_the_agent_has_no_hooks()
    {
        var refusal = Stories.Protected().Refused<ProtectedVmRefusal.NoHooks>(
            new MakeRecoveryPoint(PointKind.App, AgentHasHooks: false));

        Assert.Equal("no-hooks", refusal.Code);
        Assert.Contains("--hooks DIR", refusal.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Counts_the_time_without_protection_from_what_is_known_or_seen_the_longer()
    {
        var story = Stories.Protected();
        Assert.Equal(TimeSpan.Zero, Protection.UnprotectedFor(story.State, Fine, story.Now));

        var away = Fine with { Agent = AgentPresence.Away, Source = null, AtRisk = TimeSpan.FromSeconds(70) };
        Assert.Equal(TimeSpan.FromSeconds(70), Protection.UnprotectedFor(story.State, away, story.Now));

        story.Do(new Pause());
        Assert.Equal(
            TimeSpan.FromMinutes(5),
            Protection.UnprotectedFor(story.State, Fine, story.Now + TimeSpan.FromMinutes(5)));
        Assert.Null(Protection.UnprotectedFor(Stories.Disabled().State, Fine, story.Now));
    }

    [Theory]
    [InlineData(1, 10)]
    [InlineData(30, 30)]
    [InlineData(600, 60)]
    public void Lacks_a_recent_point_after_the_policys_threshold_within_limits(int threshold, int after)
    {
        var story = Stories.Protected().With(new UpdatePolicy(
            ReplicationPolicy.Default with { RpoThreshold = TimeSpan.FromMinutes(threshold) }));
        var last = story.State.PointSchedule.LastAt!.Value;
        story.Do(new RecordAgentDisconnected("Gone."));
        story.Do(new Pause());

        Assert.Equal(last + TimeSpan.FromMinutes(after), story.Timer("no-point")!.DueAt);
    }

    private static HealthCause Cause(HealthKind kind) =>
        new(kind, "", HealthLevel.Warning, "Seen.", "Look.", default);
}
