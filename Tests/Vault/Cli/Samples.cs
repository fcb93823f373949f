using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>Views as the service would send them.</summary>
internal static class Samples
{
    public static DateTimeOffset Start { get; } = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    public static DiskView Disk { get; } = new("/disks/a.img", "nbd+unix:///vm1-0?socket=/run/a.sock", 268435456);

    public static PointView Point { get; } = new(
        "00000000000000000000000000000001", Start, PointKind.Crash, 1, 42, PointGrade.Received, Usable: true,
        Reason: null);

    public static RecoveredView Recovered { get; } = new(
        [new DiskView("/disks/a.img", "nbd://127.0.0.1:10809/r1", 268435456)], Point, 1.5, 0.25, HasWrites: false);

    public static VmView Vm(string name = "vm1", string phase = "protected") => new(
        name, phase, "normal", [], LagBytes: 1536, LagSeconds: 0.5, Progress: null,
        new NextRunView("incremental", "the log holds every write", 4096, 0.1),
        new SourceView("agent1", Connected: true, SourceRole.Primary, CaptureMode.Logging, 1, 42, 65536, 0, 1 << 20,
            2 << 20, [Disk], Start),
        Recovered: null, Test: null, new SettingsView("SCN-1", "default", 24, 0, 1), new PointsView(1, Point),
        ["make-point", "test-failover"], [Job("protect")]);

    public static JobView Job(string kind, string state = "succeeded", JobErrorView? error = null) => new(
        "j1", "vm1", kind, state, "root", Start, state == "running" ? null : Start.AddSeconds(3),
        [
            new JobStepView("prerequisites", "succeeded", Start, Start.AddSeconds(1), null),
            new JobStepView("transfer", state, Start.AddSeconds(1), state == "running" ? null : Start.AddSeconds(3),
                "64 KiB blocks"),
        ],
        error);
}
