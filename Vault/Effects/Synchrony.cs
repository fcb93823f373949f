using ReplicationEngine.Agent.Control;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>Whether the receiving side equals the sending side, judged by what both say.</summary>
internal static class Synchrony
{
    /// <summary>
    /// True when the sender has nothing left to copy, under the term and in the generation that the receiver stands in,
    /// and the receiver is not resyncing.
    /// </summary>
    public static bool IsInSync(ProtectedVmState state, VolumeStatus status, TargetVolume volume)
    {
        if (status.Term != state.Term.Value)
        {
            return false;
        }

        if (status.Role == VolumeRole.ReverseReplica)
        {
            return volume.ReverseStatus().InSync;
        }

        return status is { Role: VolumeRole.Primary, DirtyBytes: 0, Capture: "logging",
            Transfer: { Phase: "streaming" } }
            && !volume.Resyncing && volume.Generation == status.Generation;
    }

    /// <summary>Why a resync began that nobody ordered, from what the agent says.</summary>
    public static ResyncReason Reason(VolumeStatus status) => status.CauseCode switch
    {
        "unclean-shutdown" => ResyncReason.ForcedShutdown,
        "backlog-half-of-disk" => ResyncReason.LogHalfOfDisk,
        "resized" => ResyncReason.DiskResized,
        "changed-outside" => ResyncReason.ConfigurationChanged,
        "user-request" => ResyncReason.UserRequest,
        "log-damaged" or "replica-unknown" or "device-write-failed" => ResyncReason.TransferFailed,
        _ => ResyncReason.DirtyMap,
    };
}
