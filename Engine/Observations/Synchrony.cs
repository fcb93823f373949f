using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

/// <summary>Decides whether the receiving side equals the sending side, from the reports of both.</summary>
internal static class Synchrony
{
    /// <summary>
    /// Returns true when the sender has nothing left to copy, both sides have the same term and generation, and the
    /// receiver is not resyncing.
    /// </summary>
    public static bool IsInSync(ProtectedVmState state, SourceObservation source, TargetObservation target) =>
        source.Term == state.Term && (source.Role == SourceRole.ReverseReplica
            ? target.Reverse is { InSync: true }
            : source is { Role: SourceRole.Primary, DirtyBytes: 0, Capture: CaptureMode.Logging, Streaming: true }
                && !target.Resyncing && target.Generation == source.Generation);
}
