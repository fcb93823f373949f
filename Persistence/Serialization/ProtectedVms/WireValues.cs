using System.Diagnostics.CodeAnalysis;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// Conversions of the values that events and commands are made of. A part that is missing means a damaged payload and
/// throws <see cref="FormatException"/>.
/// </summary>
internal static class WireValues
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
        string? vm, Wire.ProtectedDisk[]? disks, string? scenarioId, Wire.ReplicationPolicy? policy, string? agent) =>
        new(new ProtectedVmId(Needed(vm)), All(disks, From), Needed(scenarioId), From(policy), Needed(agent));

    public static Wire.ProtectedDisk To(ProtectedDisk disk) =>
        new(disk.Path, disk.SizeBytes, disk.Identity, disk.Raw);

    public static ProtectedDisk From(Wire.ProtectedDisk? disk) =>
        new(Needed(Needed(disk).Path), disk.SizeBytes, Needed(disk.Identity), disk.Raw);

    public static Wire.ReplicationPolicy To(ReplicationPolicy policy) => new(
        policy.Name, policy.Retention, policy.AppConsistentEvery, policy.RpoThreshold, policy.AutoResync,
        new Wire.DailyWindow(
            policy.ResyncWindow.From.ToTimeSpan(), policy.ResyncWindow.To.ToTimeSpan(),
            policy.ResyncWindow.UtcOffset));

    public static ReplicationPolicy From(Wire.ReplicationPolicy? policy)
    {
        var window = Needed(Needed(policy).ResyncWindow);
        return new ReplicationPolicy(
            Needed(policy.Name), Needed(policy.Retention), Needed(policy.AppConsistentEvery),
            Needed(policy.RpoThreshold), Needed(policy.AutoResync),
            new DailyWindow(
                TimeOnly.FromTimeSpan(Needed(window.From)), TimeOnly.FromTimeSpan(Needed(window.To)),
                Needed(window.UtcOffset)));
    }

    public static Wire.EffectError To(EffectError error) => new(error.Class, [.. error.Reasons], error.Remedy);

    public static Wire.EffectError? ToOrNone(EffectError? error) => error is null ? null : To(error);

    public static EffectError From(Wire.EffectError? error) =>
        new(Needed(Needed(error).Class), All(error.Reasons), Needed(error.Remedy));

    public static EffectError? FromOrNone(Wire.EffectError? error) => error is null ? null : From(error);

    public static Wire.RecoveryPoint To(RecoveryPoint point) => new(
        point.Id.Value, At(point.Time), point.Kind, point.Generation.Value, point.Lsn.Value, point.Grade);

    public static RecoveryPoint From(Wire.RecoveryPoint? point) => new(
        PointId(Needed(point).Id), Time(point.Time), Needed(point.Kind), new Generation(point.Generation),
        new Lsn(point.Lsn), Needed(point.Grade));

    public static Wire.SteadyInstant? To(SteadyInstant? steady) =>
        steady is { } known ? new Wire.SteadyInstant(At(known.Life), At(known.At)) : null;

    public static SteadyInstant? From(Wire.SteadyInstant? steady) =>
        steady is null ? null : new SteadyInstant(Time(steady.Life), Time(steady.At));

    public static Wire.ChosenPoint To(ChosenPoint point) => new(point.Id.Value, point.SealNow);

    public static ChosenPoint From(Wire.ChosenPoint? point) => new(PointId(Needed(point).Id), point.SealNow);

    public static Wire.Recovery To(Recovery recovery) => new(
        recovery.Kind, recovery.Point.Value, recovery.RpoBound, recovery.Exports, At(recovery.StartedAt),
        At(recovery.ReadyAt));

    public static Recovery From(Wire.Recovery? recovery) => new(
        Needed(Needed(recovery).Kind), PointId(recovery.Point), Needed(recovery.RpoBound), recovery.Exports,
        Time(recovery.StartedAt), Time(recovery.ReadyAt));

    public static Wire.HealthCause To(HealthCause cause) => new(
        cause.Kind, cause.Subject, cause.Level, cause.Message, cause.Remedy, At(cause.Since));

    public static HealthCause From(Wire.HealthCause? cause) => new(
        Needed(Needed(cause).Kind), Needed(cause.Subject), Needed(cause.Level), Needed(cause.Message),
        Needed(cause.Remedy), Time(cause.Since));

    public static Wire.PointChoice To(PointChoice choice) => choice switch
    {
        PointChoice.Latest => new(Wire.PointChoiceKind.Latest, null),
        PointChoice.LatestProcessed => new(Wire.PointChoiceKind.LatestProcessed, null),
        PointChoice.LatestAppConsistent => new(Wire.PointChoiceKind.LatestAppConsistent, null),
        PointChoice.Specific specific => new(Wire.PointChoiceKind.Specific, specific.Id.Value),
        _ => throw new InvalidOperationException($"{choice} has no stored form."),
    };

    public static PointChoice From(Wire.PointChoice? choice) => Needed(Needed(choice).Kind) switch
    {
        Wire.PointChoiceKind.Latest => new PointChoice.Latest(),
        Wire.PointChoiceKind.LatestProcessed => new PointChoice.LatestProcessed(),
        Wire.PointChoiceKind.LatestAppConsistent => new PointChoice.LatestAppConsistent(),
        Wire.PointChoiceKind.Specific => new PointChoice.Specific(PointId(choice.Id)),
        var kind => throw new InvalidOperationException($"{kind} has no case in the domain."),
    };

    public static Wire.EffectResult To(EffectResult result) => result switch
    {
        EffectResult.Done => new(Wire.EffectResultKind.Done),
        EffectResult.PrerequisitesMet met => new(Wire.EffectResultKind.PrerequisitesMet, Disks: All(met.Disks, To)),
        EffectResult.Quiesced quiesced => new(
            Wire.EffectResultKind.Quiesced, LastLsn: quiesced.LastLsn.Value,
            ConfirmedByAgent: quiesced.ConfirmedByAgent),
        EffectResult.FailoverReady ready => new(
            Wire.EffectResultKind.FailoverReady, Point: To(ready.Point), RpoBound: ready.RpoBound,
            Exports: ready.Exports),
        EffectResult.TestFailoverReady ready => new(
            Wire.EffectResultKind.TestFailoverReady, Point: To(ready.Point), Exports: ready.Exports),
        _ => throw new InvalidOperationException($"{result} has no stored form."),
    };

    public static EffectResult From(Wire.EffectResult? result) => Needed(Needed(result).Kind) switch
    {
        Wire.EffectResultKind.Done => new EffectResult.Done(),
        Wire.EffectResultKind.PrerequisitesMet => new EffectResult.PrerequisitesMet(All(result.Disks, From)),
        Wire.EffectResultKind.Quiesced => new EffectResult.Quiesced(
            new Lsn(Needed(result.LastLsn)), Needed(result.ConfirmedByAgent)),
        Wire.EffectResultKind.FailoverReady => new EffectResult.FailoverReady(
            From(result.Point), Needed(result.RpoBound), Needed(result.Exports)),
        Wire.EffectResultKind.TestFailoverReady => new EffectResult.TestFailoverReady(
            From(result.Point), Needed(result.Exports)),
        var kind => throw new InvalidOperationException($"{kind} has no case in the domain."),
    };
}
