using MessagePack;
using ReplicationEngine.Engine.ProtectedVms;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ContractValues;
using static ReplicationEngine.Persistence.Serialization.ProtectedVms.ProtectedVmForms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>The stored forms of test failovers: events, commands and their contracts.</summary>
internal static class TestingForms
{
    /// <summary>The phase's events.</summary>
    public static readonly StoredForm<ProtectedVmEvent>[] Events =
    [
        Event<TestFailoverStarted, TestFailoverStartedV1>(
            "test-failover-started.v1",
            e => new(At(e.At), e.By, To(e.Point)),
            m => new(Time(m.At), Needed(m.By), From(m.Point))),
        Event<TestFailoverReady, TestFailoverReadyV1>(
            "test-failover-ready.v1",
            e => new(At(e.At), e.Point.Value, e.Exports),
            m => new(Time(m.At), PointId(m.Point), m.Exports)),
        Event<TestFailoverCleanUpStarted, TestFailoverCleanUpStartedV1>(
            "test-failover-clean-up-started.v1",
            e => new(At(e.At), e.By, e.Notes, ToOrNone(e.Error)),
            m => new(Time(m.At), Needed(m.By), Needed(m.Notes), FromOrNone(m.Error))),
        Event<TestFailoverCleanedUp, TestFailoverCleanedUpV1>(
            "test-failover-cleaned-up.v1",
            e => new(At(e.At)),
            m => new(Time(m.At))),
    ];

    /// <summary>The phase's commands.</summary>
    public static readonly StoredForm<ProtectedVmCommand>[] Commands =
    [
        Command<StartTestFailover, StartTestFailoverV1>(
            "start-test-failover.v1",
            c => new(To(c.Choice)),
            m => new(From(m.Choice))),
        Command<CleanUpTestFailover, CleanUpTestFailoverV1>(
            "clean-up-test-failover.v1",
            c => new(c.Notes),
            m => new(Needed(m.Notes))),
    ];
}

[MessagePackObject]
internal sealed record TestFailoverStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] ChosenPointV1? Point);

[MessagePackObject]
internal sealed record TestFailoverReadyV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] Guid? Point, [property: Key(2)] int Exports);

[MessagePackObject]
internal sealed record TestFailoverCleanUpStartedV1(
    [property: Key(0)] DateTime? At, [property: Key(1)] string? By, [property: Key(2)] string? Notes,
    [property: Key(3)] EffectErrorV1? Error);

[MessagePackObject]
internal sealed record TestFailoverCleanedUpV1([property: Key(0)] DateTime? At);

[MessagePackObject]
internal sealed record StartTestFailoverV1([property: Key(0)] PointChoiceV1? Choice);

[MessagePackObject]
internal sealed record CleanUpTestFailoverV1([property: Key(0)] string? Notes);
