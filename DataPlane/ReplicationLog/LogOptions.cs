using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>The options of a log at its opening.</summary>
/// <param name="Vm">The identifier of the VM.</param>
/// <param name="Disks">The number of the VM's disks.</param>
/// <param name="SegmentBytes">The approximate size of a segment's file in bytes.</param>
/// <param name="LimitBytes">The maximum size of all files in bytes.</param>
/// <param name="LastKnown">The newest record according to the volume's state, used if no file holds one.</param>
internal sealed record LogOptions(
    ProtectedVmId Vm, int Disks, long SegmentBytes, long LimitBytes, MarkedPosition LastKnown);
