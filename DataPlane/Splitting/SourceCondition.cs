using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>How a volume is, for health.</summary>
/// <param name="Mode">Whether the log carries the writes.</param>
/// <param name="Cause">Why, or what last made extents dirty.</param>
/// <param name="Detail">One sentence for people; empty when all is well.</param>
/// <param name="SyncFailed">A source disk failed to sync: FLUSH answers EIO until the volume is opened again
/// (I28).</param>
/// <param name="Fenced">Writes are refused (FOV-8).</param>
/// <param name="Since">When it came to be so.</param>
public sealed record SourceCondition(
    CaptureMode Mode, DirtyCause Cause, string Detail, bool SyncFailed, bool Fenced, DateTimeOffset Since);
