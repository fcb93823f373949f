using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Why the log cannot carry the writes, so that the dirty map must.</summary>
/// <param name="Cause">The cause, for health.</param>
/// <param name="Detail">One sentence for people.</param>
internal readonly record struct DirtyMapReason(SourceCause Cause, string Detail)
{
    /// <summary>The log's storage refused.</summary>
    public static DirtyMapReason Of(StorageException error) => new(
        error.Errno == StorageException.NoSpace ? SourceCause.NoSpace : SourceCause.CacheFailed, error.Message);
}
