using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>What an agent says of the volume <c>web</c>.</summary>
internal static class Reports
{
    /// <summary>A primary that ships its log and has nothing else to send.</summary>
    public static VolumeStatus Streaming { get; } = new(
        "web", SourceRole.Primary, 1, [new ServedDisk("/disks/a.img", 1 << 20, "nbd://x/web-0")],
        CaptureMode.Logging, DirtyCause.None, "", 1, 7, 1, 7, 0, null, 0, 0, 0, Transfer(TransferPhase.Streaming), [],
        VmLife.Start);

    public static TransferStatus Transfer(TransferPhase phase) =>
        new(phase, true, 0, 0, 0, null, 1000, 800, 700, VmLife.Start);

    public static VolumeProblem Problem(bool recoverable) =>
        new("code", "It broke.", "Repair it.", recoverable);
}
