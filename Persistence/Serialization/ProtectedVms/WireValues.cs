using Google.Protobuf.Collections;
using Google.Protobuf.WellKnownTypes;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using Enum = System.Enum;
using Wire = ReplicationEngine.Persistence.Contracts.V1;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// Conversions of the values that events are made of. Enumerations have equal numbers on both sides (a test compares
/// them); a number or a part that is missing means a damaged payload and throws <see cref="FormatException"/>.
/// </summary>
internal static class WireValues
{
    public static Timestamp At(DateTimeOffset time) => Timestamp.FromDateTimeOffset(time);

    public static Timestamp? AtOrNone(DateTimeOffset? time) => time is { } known ? At(known) : null;

    public static DateTimeOffset Time(Timestamp? time) => Needed(time).ToDateTimeOffset();

    public static DateTimeOffset? TimeOrNone(Timestamp? time) => time?.ToDateTimeOffset();

    public static Duration For(TimeSpan time) => Duration.FromTimeSpan(time);

    public static TimeSpan Span(Duration? time) => Needed(time).ToTimeSpan();

    public static RecoveryPointId PointId(string id) => new(Guid.ParseExact(id, "N"));

    public static TEnum Known<TEnum>(TEnum value)
        where TEnum : struct, Enum =>
        Enum.IsDefined(value) ? value : throw new FormatException($"{value} is not a {typeof(TEnum).Name}.");

    public static T Needed<T>(T? value)
        where T : class =>
        value ?? throw new FormatException($"A {typeof(T).Name} is missing.");

    public static Wire.ProtectedDisk To(ProtectedDisk disk) => new()
    {
        Path = disk.Path,
        SizeBytes = disk.SizeBytes,
        Identity = disk.Identity,
        Raw = disk.Raw,
    };

    public static ProtectedDisk From(Wire.ProtectedDisk? disk) =>
        new(Needed(disk).Path, disk!.SizeBytes, disk.Identity, disk.Raw);

    public static ValueList<ResyncReason> Reasons(RepeatedField<Wire.ResyncReason> reasons) =>
        reasons.Select(reason => Known((ResyncReason)reason)).ToValueList();

    public static ValueList<ProtectedDisk> From(RepeatedField<Wire.ProtectedDisk> disks) =>
        disks.Select(From).ToValueList();

    public static Wire.ReplicationPolicy To(ReplicationPolicy policy) => new()
    {
        Name = policy.Name,
        Retention = For(policy.Retention),
        AppConsistentEvery = For(policy.AppConsistentEvery),
        RpoThreshold = For(policy.RpoThreshold),
        AutoResync = (Wire.AutoResync)policy.AutoResync,
        ResyncWindow = new Wire.DailyWindow
        {
            From = For(policy.ResyncWindow.From.ToTimeSpan()),
            To = For(policy.ResyncWindow.To.ToTimeSpan()),
            UtcOffset = For(policy.ResyncWindow.UtcOffset),
        },
    };

    public static ReplicationPolicy From(Wire.ReplicationPolicy? policy)
    {
        var window = Needed(Needed(policy).ResyncWindow);
        return new ReplicationPolicy(
            policy!.Name, Span(policy.Retention), Span(policy.AppConsistentEvery), Span(policy.RpoThreshold),
            Known((AutoResync)policy.AutoResync),
            new DailyWindow(
                TimeOnly.FromTimeSpan(Span(window.From)), TimeOnly.FromTimeSpan(Span(window.To)),
                    Span(window.UtcOffset)));
    }

    public static Wire.EffectError To(EffectError error)
    {
        var message = new Wire.EffectError { Class = (Wire.ErrorClass)error.Class, Remedy = error.Remedy };
        message.Reasons.AddRange(error.Reasons);
        return message;
    }

    public static EffectError From(Wire.EffectError? error) =>
        new(Known((ErrorClass)Needed(error).Class), error!.Reasons.ToValueList(), error.Remedy);

    public static Wire.RecoveryPoint To(RecoveryPoint point) => new()
    {
        Id = point.Id.ToString(),
        Time = At(point.Time),
        Kind = (Wire.PointKind)point.Kind,
        Generation = point.Generation.Value,
        Lsn = point.Lsn.Value,
        Grade = (Wire.PointGrade)point.Grade,
    };

    public static RecoveryPoint From(Wire.RecoveryPoint? point) => new(
        PointId(Needed(point).Id), Time(point!.Time), Known((PointKind)point.Kind), new Generation(point.Generation),
        new Lsn(point.Lsn), Known((PointGrade)point.Grade));

    public static Wire.ChosenPoint To(ChosenPoint point) => new() { Id = point.Id.ToString(), SealNow = point.SealNow };

    public static ChosenPoint From(Wire.ChosenPoint? point) => new(PointId(Needed(point).Id), point!.SealNow);

    public static Wire.Recovery To(Recovery recovery) => new()
    {
        Kind = (Wire.FailoverKind)recovery.Kind,
        Point = recovery.Point.ToString(),
        RpoBound = For(recovery.RpoBound),
        Exports = recovery.Exports,
        StartedAt = At(recovery.StartedAt),
        ReadyAt = At(recovery.ReadyAt),
    };

    public static Recovery From(Wire.Recovery? recovery) => new(
        Known((FailoverKind)Needed(recovery).Kind), PointId(recovery!.Point), Span(recovery.RpoBound), recovery.Exports,
        Time(recovery.StartedAt), Time(recovery.ReadyAt));

    public static Wire.HealthCause To(HealthCause cause) => new()
    {
        Kind = (Wire.HealthKind)cause.Kind,
        Subject = cause.Subject,
        Level = (Wire.HealthLevel)cause.Level,
        Message = cause.Message,
        Remedy = cause.Remedy,
        Since = At(cause.Since),
    };

    public static HealthCause From(Wire.HealthCause? cause) => new(
        Known((HealthKind)Needed(cause).Kind), cause!.Subject, Known((HealthLevel)cause.Level), cause.Message,
        cause.Remedy, Time(cause.Since));
}
