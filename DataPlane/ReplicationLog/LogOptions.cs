using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.ReplicationLog;

/// <summary>What a log is told at its opening.</summary>
/// <param name="Vm">The VM.</param>
/// <param name="Disks">Its number of disks.</param>
/// <param name="SegmentBytes">About the size of a segment's file.</param>
/// <param name="LimitBytes">The most bytes all its files may take.</param>
/// <param name="LastKnown">The newest record by the volume's state, which counts when no file holds one.</param>
internal sealed record LogOptions(
    ProtectedVmId Vm, int Disks, long SegmentBytes, long LimitBytes, MarkedPosition LastKnown);
