using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Why the log cannot carry the writes, so that the dirty map must.</summary>
/// <param name="Cause">The cause, for health.</param>
/// <param name="Detail">One sentence for people.</param>
internal readonly record struct DirtyMapReason(DirtyCause Cause, string Detail)
{
    /// <summary>The log's storage refused.</summary>
    public static DirtyMapReason Of(StorageException error) => new(
        error.Errno == StorageException.NoSpace ? DirtyCause.NoSpace : DirtyCause.CacheFailed, error.Message);
}
