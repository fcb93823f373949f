using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The reason why the log cannot hold the writes, so that the dirty map must track them.</summary>
/// <param name="Cause">The cause, as health shows it.</param>
/// <param name="Detail">A sentence for operators.</param>
internal readonly record struct DirtyMapReason(DirtyCause Cause, string Detail)
{
    /// <summary>Creates the reason for an error of the log's storage.</summary>
    public static DirtyMapReason Of(StorageException error) => new(
        error.Errno == StorageException.NoSpace ? DirtyCause.NoSpace : DirtyCause.CacheFailed, error.Message);
}
