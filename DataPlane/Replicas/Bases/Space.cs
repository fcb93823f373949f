using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Replicas.Bases;

/// <summary>
/// Reserves space before it is needed, so that a write in place cannot fail half-way because the disk is full.
/// </summary>
internal static class Space
{
    private const int NotSupported = 95;

    /// <summary>
    /// Reserves the space for a range. Does nothing on a file system that cannot reserve space: a write that fails
    /// there poisons the store, which does not recover on its own.
    /// </summary>
    public static void Reserve(IStorageFile file, long offset, long length)
    {
        try
        {
            file.Allocate(offset, length);
        }
        catch (StorageException e) when (e.Errno == NotSupported)
        {
            return;
        }
    }
}
