using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>A session's progress at one moment (OPS-3).</summary>
/// <param name="Phase">The phase of the transfer.</param>
/// <param name="TotalBytes">The bytes of disk that this copy or resync covers; 0 while streaming.</param>
/// <param name="DoneBytes">The part of <paramref name="TotalBytes"/> that the replica holds durably.</param>
/// <param name="WireBytes">The bytes sent on the wire, sealed.</param>
/// <param name="LogBytes">The bytes of log records sent, before compression.</param>
/// <param name="BlockBytes">The bytes of disk blocks sent, before compression.</param>
/// <param name="BytesPerSecond">
/// The rate at which <see cref="DoneBytes"/> grows, or at which the log is sent while streaming.
/// </param>
/// <param name="TimeLeft">
/// The estimated time until the end of the copy or resync; null while there is no rate yet, or none is running.
/// </param>
/// <param name="ExtentsCompared">The number of extents whose root hashes were compared.</param>
/// <param name="ExtentsDifferent">The number of compared extents that differed.</param>
/// <param name="LagBytes">The bytes of log that the replica does not hold durably yet (an estimate).</param>
/// <param name="Durable">The replica's durable position.</param>
public sealed record TransferProgress(
    TransferPhase Phase, long TotalBytes, long DoneBytes, long WireBytes, long LogBytes, long BlockBytes,
    double BytesPerSecond, TimeSpan? TimeLeft, long ExtentsCompared, long ExtentsDifferent, long LagBytes,
    ChangePosition Durable)
{
    /// <summary>The bytes still to be copied or compared.</summary>
    public long LeftBytes => TotalBytes - DoneBytes;
}
