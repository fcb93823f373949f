using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>Converts agents' reports to the domain's observations.</summary>
internal static class SourceReports
{
    /// <summary>Converts an agent's report of a volume.</summary>
    public static SourceObservation Observe(VolumeStatus status) => new()
    {
        Role = status.Role,
        Term = new Term(status.Term),
        Capture = status.Capture,
        Cause = status.Cause,
        CauseText = status.CauseText,
        Generation = new Generation(status.Generation),
        Tail = new Lsn(status.Lsn),
        At = status.At,
        DirtyBytes = status.DirtyBytes,
        LagBytes = status.LagBytes,
        DivergentBytes = status.DivergentBytes,
        Cut = status.Cut is { } cut
            ? new RecoveredCut(new Generation(cut.Generation), new Lsn(cut.Lsn)) : null,
        Unserved = status.Disks.Where(disk => disk.Uri is null).Select(disk => disk.Path).ToValueList(),
        HasHooks = status.HasHooks,
        Connected = status.Transfer is { Connected: true },
        Streaming = status.Transfer is { Phase: TransferPhase.Streaming },
        WireBytes = status.Transfer?.WireBytes ?? 0,
        CopiedBytes = status.Transfer?.CopiedBytes ?? 0,
        Problems = status.Problems.Select(problem => EffectError.Of(
            problem.Recoverable ? ErrorClass.Recoverable : ErrorClass.NonRecoverable, problem.Message,
            problem.Remedy ?? "")).ToValueList(),
        Disks = status.Disks.Select(disk => new ProtectedDisk(disk.Path, disk.SizeBytes, disk.Identity)).ToValueList(),
    };
}
