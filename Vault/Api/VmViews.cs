using System.Collections.Concurrent;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Api;

/// <summary>Composes the view of a VM: its state, its agent's last report, and the target's contents.</summary>
internal sealed class VmViews(
    AgentRegistry agents, TargetSite site, FactFinder facts, Func<(string What, DateTimeOffset Since)?> journalTrouble,
    TimeProvider time)
{
    private readonly ConcurrentDictionary<(string Vm, string Cause), DateTimeOffset> _quarantinedSince = new();

    /// <summary>Returns the complete view.</summary>
    public VmView Of(ProtectedVmState state)
    {
        var vm = state.Enrollment.Vm.Value;
        var status = agents.Observations.Status(vm);
        var volume = site.Find(vm);
        var (observation, now) = (facts.Observe(state), time.GetUtcNow());
        var lag = Lag(state, status, volume, observation.AtRisk);
        var health = ProtectedVmHealth.Of(state, observation, now);
        var (conflict, trouble) = (Conflict(state.Enrollment.Agent), JournalTrouble());
        return new VmView(
            vm, PhaseName.Of(state.Phase),
            trouble is not null ? Text(HealthLevel.Critical)
                : conflict is not null && health.Level < HealthLevel.Warning ? Text(HealthLevel.Warning) : health.Word,
            [.. health.Causes.Select(Cause), .. new[] { conflict, trouble }.OfType<CauseView>()],
            lag.Bytes, lag.Seconds,
            Progress(state, status, volume),
            Next(state, status, lag.Bytes), Source(state, status, volume), Recovered(state, volume),
                Test(state, volume),
            Settings(state), new PointsView(state.Points.Count, state.Points.Count == 0 ? null
                : Point(state.Points[^1])),
            [.. VmOperations.All.Where(row => ProtectedVmOperations.Check(state, row.Operation) is null)
                .Select(row => row.Name)],
            Jobs(state))
        {
            UnprotectedSeconds = Protection.UnprotectedFor(state, observation, now) is { } bare
                ? Math.Round(bare.TotalSeconds, 1) : null,
        };
    }

    // Another process claims to be the VM's agent. It is refused, and an operator must resolve the conflict.
    private CauseView? Conflict(string agent) => agents.Observations.ConflictOf(agent) is { } conflict
        ? new CauseView(
            "agent-conflict", Text(HealthLevel.Warning), conflict.Text,
            "See `drctl agents`, then stop the process that should not run.", conflict.Since)
        : null;

    // While the journal accepts nothing, every operation is refused, because only recorded decisions take effect
    // (I27, I28).
    private CauseView? JournalTrouble() => JournalCause(journalTrouble());

    /// <summary>Returns the journal's trouble as a cause of bad health; null when there is none.</summary>
    public static CauseView? JournalCause((string What, DateTimeOffset Since)? seen) => seen is { } trouble
        ? new CauseView(
            "journal-trouble", Text(HealthLevel.Critical),
            $"The journal cannot store events: {trouble.What}. Operations are refused meanwhile.",
            "Free space on the journal's disk, or restore the connection to its database; the service then resumes.",
            trouble.Since)
        : null;

    /// <summary>Returns the view of a VM that is out of service: its name and the reason.</summary>
    public VmView Quarantined(string vm, string cause)
    {
        var since = _quarantinedSince.GetOrAdd((vm, cause), _ => time.GetUtcNow());
        return new VmView(
            vm, "quarantined", Text(HealthLevel.Critical),
            [
                new CauseView("quarantined", Text(HealthLevel.Critical), cause,
                    $"Fix the cause, then return the VM to service with `drctl lift-quarantine {vm}`.", since),
            ],
            0, null, null, new NextRunView("incremental", "unknown while the VM is quarantined", 0, null),
            new SourceView("", false, null, null, 0, 0, 0, 0, 0, 0, [], null), null, null,
            new SettingsView("", "", 0, 0, 0), new PointsView(0, null), [], []);
    }

    /// <summary>Returns the jobs of a VM, newest first.</summary>
    public static IReadOnlyList<JobView> Jobs(ProtectedVmState state) =>
        [.. state.Jobs.Reverse().Select(job => Job(state.Enrollment.Vm.Value, job))];

    /// <summary>Returns the view of a recovery point.</summary>
    public static PointView Point(KeptPoint kept) => new(
        kept.Id.ToString(), kept.Point.Time, kept.Point.Kind, kept.Point.Generation.Value,
        kept.Point.Lsn.Value, kept.Point.Grade, kept.Usable, kept.UnusableBecause)
    {
        Held = kept.Hold is { } hold ? new HoldView(hold.By, hold.At) : null,
    };

    /// <summary>Returns the id of a job in the API: the VM's name and the job's number within the VM.</summary>
    public static string JobId(string vm, long id) => $"{vm}:{id}";

    /// <summary>Returns the view of a job.</summary>
    public static JobView Job(string vm, Job job)
    {
        var kind = VmOperations.NameOf(job.Kind);
        var ended = job.Outcome is not JobOutcome.Running;
        return new JobView(
            JobId(vm, job.Id), vm, kind, ApiText.Of(job.Outcome), job.Actor, job.StartedAt,
            ended ? job.EndedAt : null,
            [.. job.Steps.Select(s => new JobStepView(
                s.Name, s.EndedAt is null ? "running" : "succeeded", s.StartedAt, s.EndedAt, null))],
            job.Error is { } error ? new JobErrorView(kind + "-error", error, null) : null);
    }

    private static (long Bytes, double? Seconds) Lag(
        ProtectedVmState state, VolumeStatus? status, TargetVolume? volume, TimeSpan? atRisk)
    {
        if (volume?.Live is { } live && state.Phase is Phase.Reprotecting or Phase.ProtectedReverse
            or Phase.FailingBack)
        {
            var reverse = Reverse(volume)!;
            return (reverse.LagBytes, reverse.Lag?.TotalSeconds ?? 0);
        }

        return status is null
            ? (0, null)
            : (status.LagBytes, atRisk?.TotalSeconds);
    }

    private static ProgressView? Progress(ProtectedVmState state, VolumeStatus? status, TargetVolume? volume)
    {
        var transfer = state.Phase is Phase.Reprotecting { Direction: Direction.ToPrimary } or Phase.ProtectedReverse
            or Phase.FailingBack ? Reverse(volume)?.Transfer : status?.Transfer;
        if (transfer is null || (transfer.BytesTotal == 0 && transfer.Phase == TransferPhase.Streaming))
        {
            return null;
        }

        var what = state.Phase switch
        {
            Phase.InitialReplication or Phase.Enabling => "initial-replication",
            Phase.Reprotecting { Direction: Direction.ToPrimary } => "reverse-resync",
            Phase.FailingOver or Phase.FailingBack => "final-sync",
            _ => "resync",
        };
        if (what == "resync" && transfer.Phase == TransferPhase.Streaming)
        {
            return null;
        }

        var percent = transfer.BytesTotal == 0 ? 100 : 100.0 * transfer.BytesDone / transfer.BytesTotal;
        return new ProgressView(
            what, Math.Round(Math.Min(100, percent), 1), transfer.BytesTotal, transfer.BytesDone,
            Math.Max(0, transfer.BytesTotal - transfer.BytesDone), transfer.BytesPerSecond, transfer.SecondsLeft,
            transfer.WireBytes);
    }

    private static NextRunView Next(ProtectedVmState state, VolumeStatus? status, long lagBytes)
    {
        var rate = status?.Transfer?.BytesPerSecond ?? 0;
        var size = state.Enrollment.Disks.Sum(d => d.SizeBytes);
        var (mode, why, bytes) = state.Phase switch
        {
            Phase.Disabled { ReplicaKept: true } or Phase.Disabling { KeepReplica: true } => (
                "incremental", "nothing is sent: protection has ended and the replica is kept; protecting the VM "
                    + "again compares block hashes and sends what differs", size),
            Phase.NotProtected or Phase.Disabled or Phase.Disabling or Phase.EnableFailed => (
                "full", "nothing is sent: the VM is not protected; protecting it again sends every block that is "
                    + "not zero", size),
            Phase.CommitPending or Phase.ChangingPoint or Phase.Committing => (
                "incremental", "nothing is sent until the failover is committed or cancelled; a reprotect compares "
                    + "block hashes and sends what differs", size),
            Phase.Enabling or Phase.InitialReplication => (
                "full", "initial replication sends every block that is not zero",
                Math.Max(0, (status?.Transfer?.BytesTotal ?? size) - (status?.Transfer?.BytesDone ?? 0))),
            Phase.FailedOver or Phase.Reprotecting => (
                "incremental", "reprotect compares block hashes and sends what differs", size),
            Phase.FailedBack => ("incremental", "reprotect compares block hashes and sends what differs", size),
            _ when state.Replication.Resync is { } resync => (
                "incremental", $"a resync compares the marked extents ({string.Join(", ", resync.Reasons)})",
                status?.DirtyBytes ?? 0),
            _ when status is { DirtyBytes: > 0 } => (
                "incremental", "extents that are missing from the log are compared", status.DirtyBytes),
            _ => ("incremental", "only new writes are sent", lagBytes),
        };
        return new NextRunView(mode, why, bytes, rate > 0 ? Math.Round(bytes / rate, 1) : null);
    }

    private SourceView Source(ProtectedVmState state, VolumeStatus? status, TargetVolume? volume)
    {
        // The sending side counts what is sent.
        var transfer = status is { Role: SourceRole.ReverseReplica } ? Reverse(volume)?.Transfer
            : status?.Transfer;
        var agent = state.Enrollment.Agent;
        var connected = agents.Observations.IsConnected(agent);
        IReadOnlyList<DiskView> disks = status is { } known
            ? [.. known.Disks.Select(d => new DiskView(d.Path, connected ? d.Uri : null, d.SizeBytes))]
            : [.. state.Enrollment.Disks.Select(d => new DiskView(d.Path, null, d.SizeBytes))];
        var clock = agents.Clocks.OffsetOf(agent);
        return new SourceView(
            agent, connected, status?.Role, status?.Capture, status?.Generation ?? 0, status?.Lsn ?? 0,
            status?.CacheBytes ?? 0, status?.DirtyBytes ?? 0, transfer?.WireBytes ?? 0,
            transfer?.ChangedBytes ?? 0, disks,
            ReferenceEquals(transfer, status?.Transfer) ? transfer?.CountedSince - (clock ?? TimeSpan.Zero)
                : transfer?.CountedSince)
        {
            ClockOffsetSeconds = clock is { } offset ? Math.Round(offset.TotalSeconds, 3) : null,
            DivergentBytes = state.DivergentBytes,
        };
    }

    private static ReverseStatus? Reverse(TargetVolume? volume) =>
        ((TargetSessions?)volume?.Sessions)?.ReverseStatus();

    private static RecoveredView? Recovered(ProtectedVmState state, TargetVolume? volume)
    {
        if (volume?.Live is not { } live || RecoveryOf(state.Phase) is not { } recovery)
        {
            return volume?.Live is { } only ? Machine(only, null, TimeSpan.Zero, TimeSpan.Zero) : null;
        }

        return Machine(
            live, state.Points.FirstOrDefault(p => p.Id == recovery.Point), recovery.RpoBound,
            recovery.ReadyAt > recovery.StartedAt ? recovery.ReadyAt - recovery.StartedAt : TimeSpan.Zero);
    }

    private static Recovery? RecoveryOf(Phase phase) => phase switch
    {
        Phase.CommitPending p => p.Recovery,
        Phase.ChangingPoint p => p.Recovery,
        Phase.Committing p => p.Recovery,
        Phase.FailedOver p => p.Recovery,
        _ => null,
    };

    private static RecoveredView? Test(ProtectedVmState state, TargetVolume? volume) =>
        volume?.Test is { } test && state.TestFailover is TestFailover.Active active
            ? Machine(test, state.Points.FirstOrDefault(p => p.Id == active.Point), test.RpoBound, test.ReadyAfter)
            : null;

    private static RecoveredView Machine(ServedMachine machine, KeptPoint? point, TimeSpan rpo, TimeSpan rto) => new(
        [.. machine.Disks.Select(d => new DiskView(d.Path, d.Uri, d.SizeBytes))],
        Point(point ?? new KeptPoint(machine.Point, TimeSpan.Zero)), Math.Round(rpo.TotalSeconds, 3),
        Math.Round(rto.TotalSeconds, 3), machine.WrittenBytes > 0);

    private static SettingsView Settings(ProtectedVmState state) => new(
        state.Enrollment.ScenarioId, state.Enrollment.Policy.Name, state.Enrollment.Policy.Retention.TotalHours,
        state.Enrollment.Policy.AppConsistentEvery.TotalHours, state.Term.Value);

    private static CauseView Cause(HealthCause cause) => new(
        ApiText.Of(cause.Kind), Text(cause.Level), cause.Message, cause.Remedy.Length == 0 ? null : cause.Remedy,
        cause.Since);

    private static string Text(HealthLevel level) => ApiText.Of(level);

}
