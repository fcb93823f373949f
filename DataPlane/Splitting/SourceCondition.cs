using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The condition of a volume, as health shows it.</summary>
/// <param name="Mode">Whether the log holds the writes.</param>
/// <param name="Cause">The cause of the mode, or the latest cause of dirty extents.</param>
/// <param name="Detail">A sentence for operators; empty if there is no problem.</param>
/// <param name="SyncFailed">
/// Whether a source disk failed to sync: FLUSH fails with EIO until the volume is opened again (I28).
/// </param>
/// <param name="Fenced">Whether writes are refused (FOV-8).</param>
/// <param name="Since">The time since which the condition holds.</param>
public sealed record SourceCondition(
    CaptureMode Mode, DirtyCause Cause, string Detail, bool SyncFailed, bool Fenced, DateTimeOffset Since);
