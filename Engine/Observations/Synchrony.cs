using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Engine.Observations;

/// <summary>Whether the receiving side equals the sending side, judged by what both say.</summary>
internal static class Synchrony
{
    /// <summary>
    /// True when the sender has nothing left to copy, under the term and in the generation that the receiver stands in,
    /// and the receiver is not resyncing.
    /// </summary>
    public static bool IsInSync(ProtectedVmState state, SourceObservation source, TargetObservation target) =>
        source.Term == state.Term && (source.Role == SourceRole.ReverseReplica
            ? target.Reverse is { InSync: true }
            : source is { Role: SourceRole.Primary, DirtyBytes: 0, Capture: CaptureMode.Logging, Streaming: true }
                && !target.Resyncing && target.Generation == source.Generation);
}
