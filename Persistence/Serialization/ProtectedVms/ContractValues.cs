using System.Diagnostics.CodeAnalysis;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// Converts the values that events and commands consist of. A missing part means a damaged payload and throws
/// <see cref="FormatException"/>.
/// </summary>
internal static class ContractValues
{
    public static DateTime At(DateTimeOffset time) => time.UtcDateTime;

    public static DateTime? AtOrNone(DateTimeOffset? time) => time?.UtcDateTime;

    public static DateTimeOffset Time(DateTime? time) => new(Needed(time));

    public static DateTimeOffset? TimeOrNone(DateTime? time) => time is { } known ? Time(known) : null;

    public static RecoveryPointId PointId(Guid? id) => new(Needed(id));

    public static RecoveryPointId? PointIdOrNone(Guid? id) => id is { } known ? new RecoveryPointId(known) : null;

    public static ValueList<RecoveryPointId> PointIds(Guid[]? ids) => All(ids, id => new RecoveryPointId(id));

    public static EffectId EffectIdOf(string? id) => new(Needed(id));

    public static T Needed<T>([NotNull] T? value)
        where T : class =>
        value ?? throw new FormatException($"A {typeof(T).Name} is missing.");

    public static T Needed<T>([NotNull] T? value)
        where T : struct =>
        value ?? throw new FormatException($"A {typeof(T).Name} is missing.");

    public static TWire[] All<T, TWire>(ValueList<T> items, Func<T, TWire> to) => [.. items.Items.Select(to)];

    public static ValueList<T> All<TWire, T>(TWire[]? items, Func<TWire, T> from) =>
        Needed(items).Select(from).ToValueList();

    public static ValueList<T> All<T>(T[]? items) => Needed(items).ToValueList();

    public static Enrollment EnrollmentOf(
        string? vm, ProtectedDiskV1[]? disks, string? scenarioId, ReplicationPolicyV1? policy, string? agent) =>
        new(new ProtectedVmId(Needed(vm)), All(disks, From), Needed(scenarioId), From(policy), Needed(agent));

    public static ProtectedDiskV1 To(ProtectedDisk disk) =>
        new(disk.Path, disk.SizeBytes, disk.Identity, disk.Raw);

    public static ProtectedDisk From(ProtectedDiskV1? disk) =>
        new(Needed(Needed(disk).Path), disk.SizeBytes, Needed(disk.Identity), disk.Raw);

    public static ReplicationPolicyV1 To(ReplicationPolicy policy) => new(
        policy.Name, policy.Retention, policy.AppConsistentEvery, policy.RpoThreshold, policy.AutoResync,
        new DailyWindowV1(
            policy.ResyncWindow.From.ToTimeSpan(), policy.ResyncWindow.To.ToTimeSpan(),
            policy.ResyncWindow.UtcOffset));

    public static ReplicationPolicy From(ReplicationPolicyV1? policy)
    {
        var window = Needed(Needed(policy).ResyncWindow);
        return new ReplicationPolicy(
            Needed(policy.Name), Needed(policy.Retention), Needed(policy.AppConsistentEvery),
            Needed(policy.RpoThreshold), Needed(policy.AutoResync),
            new DailyWindow(
                TimeOnly.FromTimeSpan(Needed(window.From)), TimeOnly.FromTimeSpan(Needed(window.To)),
                Needed(window.UtcOffset)));
    }

    public static EffectErrorV1 To(EffectError error) => new(error.Class, [.. error.Reasons], error.Remedy);

    public static EffectErrorV1? ToOrNone(EffectError? error) => error is null ? null : To(error);

    public static EffectError From(EffectErrorV1? error) =>
        new(Needed(Needed(error).Class), All(error.Reasons), Needed(error.Remedy));

    public static EffectError? FromOrNone(EffectErrorV1? error) => error is null ? null : From(error);

    public static RecoveryPointV1 To(RecoveryPoint point) => new(
        point.Id.Value, At(point.Time), point.Kind, point.Generation.Value, point.Lsn.Value, point.Grade);

    public static RecoveryPoint From(RecoveryPointV1? point) => new(
        PointId(Needed(point).Id), Time(point.Time), Needed(point.Kind), new Generation(point.Generation),
        new Lsn(point.Lsn), Needed(point.Grade));

    public static SteadyInstantV1? To(SteadyInstant? steady) =>
        steady is { } known ? new SteadyInstantV1(At(known.Life), At(known.At)) : null;

    public static SteadyInstant? From(SteadyInstantV1? steady) =>
        steady is null ? null : new SteadyInstant(Time(steady.Life), Time(steady.At));

    public static ChosenPointV1 To(ChosenPoint point) => new(point.Id.Value, point.SealNow);

    public static ChosenPoint From(ChosenPointV1? point) => new(PointId(Needed(point).Id), point.SealNow);

    public static RecoveryV1 To(Recovery recovery) => new(
        recovery.Kind, recovery.Point.Value, recovery.RpoBound, recovery.Exports, At(recovery.StartedAt),
        At(recovery.ReadyAt));

    public static Recovery From(RecoveryV1? recovery) => new(
        Needed(Needed(recovery).Kind), PointId(recovery.Point), Needed(recovery.RpoBound), recovery.Exports,
        Time(recovery.StartedAt), Time(recovery.ReadyAt));

    public static HealthCauseV1 To(HealthCause cause) => new(
        cause.Kind, cause.Subject, cause.Level, cause.Message, cause.Remedy, At(cause.Since));

    public static HealthCause From(HealthCauseV1? cause) => new(
        Needed(Needed(cause).Kind), Needed(cause.Subject), Needed(cause.Level), Needed(cause.Message),
        Needed(cause.Remedy), Time(cause.Since));

    public static PointChoiceV1 To(PointChoice choice) => choice switch
    {
        PointChoice.Latest => new(PointChoiceKind.Latest, null),
        PointChoice.LatestProcessed => new(PointChoiceKind.LatestProcessed, null),
        PointChoice.LatestAppConsistent => new(PointChoiceKind.LatestAppConsistent, null),
        PointChoice.Specific specific => new(PointChoiceKind.Specific, specific.Id.Value),
        _ => throw new InvalidOperationException($"{choice} has no stored form."),
    };

    public static PointChoice From(PointChoiceV1? choice) => Needed(Needed(choice).Kind) switch
    {
        PointChoiceKind.Latest => new PointChoice.Latest(),
        PointChoiceKind.LatestProcessed => new PointChoice.LatestProcessed(),
        PointChoiceKind.LatestAppConsistent => new PointChoice.LatestAppConsistent(),
        PointChoiceKind.Specific => new PointChoice.Specific(PointId(choice.Id)),
        var kind => throw new InvalidOperationException($"{kind} has no case in the domain."),
    };

    public static EffectResultV1 To(EffectResult result) => result switch
    {
        EffectResult.Done => new(EffectResultKind.Done),
        EffectResult.PrerequisitesMet met => new(EffectResultKind.PrerequisitesMet, Disks: All(met.Disks, To)),
        EffectResult.Quiesced quiesced => new(
            EffectResultKind.Quiesced, LastLsn: quiesced.LastLsn.Value,
            ConfirmedByAgent: quiesced.ConfirmedByAgent),
        EffectResult.FailoverReady ready => new(
            EffectResultKind.FailoverReady, Point: To(ready.Point), RpoBound: ready.RpoBound,
            Exports: ready.Exports),
        EffectResult.TestFailoverReady ready => new(
            EffectResultKind.TestFailoverReady, Point: To(ready.Point), Exports: ready.Exports),
        _ => throw new InvalidOperationException($"{result} has no stored form."),
    };

    public static EffectResult From(EffectResultV1? result) => Needed(Needed(result).Kind) switch
    {
        EffectResultKind.Done => new EffectResult.Done(),
        EffectResultKind.PrerequisitesMet => new EffectResult.PrerequisitesMet(All(result.Disks, From)),
        EffectResultKind.Quiesced => new EffectResult.Quiesced(
            new Lsn(Needed(result.LastLsn)), Needed(result.ConfirmedByAgent)),
        EffectResultKind.FailoverReady => new EffectResult.FailoverReady(
            From(result.Point), Needed(result.RpoBound), Needed(result.Exports)),
        EffectResultKind.TestFailoverReady => new EffectResult.TestFailoverReady(
            From(result.Point), Needed(result.Exports)),
        var kind => throw new InvalidOperationException($"{kind} has no case in the domain."),
    };
}
