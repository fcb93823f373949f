using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>A session's progress at one moment (OPS-3).</summary>
/// <param name="Phase">What it is doing.</param>
/// <param name="TotalBytes">Bytes of disk that this copy or resync covers; 0 while streaming.</param>
/// <param name="DoneBytes">Of these, the bytes that the replica holds durably.</param>
/// <param name="WireBytes">Bytes sent, sealed.</param>
/// <param name="LogBytes">Bytes of log records sent, before compression.</param>
/// <param name="BlockBytes">Bytes of disk blocks sent, before compression.</param>
/// <param name="BytesPerSecond">How fast <see cref="DoneBytes"/> grows, or the log is shipped while streaming.</param>
/// <param name="TimeLeft">An estimate for the copy or resync; null while there is no rate yet, or none is
/// running.</param>
/// <param name="ExtentsCompared">Extents whose root hashes were compared.</param>
/// <param name="ExtentsDifferent">Of these, the extents that differed.</param>
/// <param name="LagBytes">Bytes of log that the replica does not hold durably yet (an estimate).</param>
/// <param name="Durable">What the replica holds durably.</param>
public sealed record TransferProgress(
    TransferPhase Phase, long TotalBytes, long DoneBytes, long WireBytes, long LogBytes, long BlockBytes,
    double BytesPerSecond, TimeSpan? TimeLeft, long ExtentsCompared, long ExtentsDifferent, long LagBytes,
    ChangePosition Durable)
{
    /// <summary>Bytes still to be copied or compared.</summary>
    public long LeftBytes => TotalBytes - DoneBytes;
}
