using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.ReplicaStore.Bases;

/// <summary>Takes space before it is needed, so that a write in place cannot fail half-way for want of it.</summary>
internal static class Space
{
    private const int NotSupported = 95;

    /// <summary>
    /// Takes the space for a range. A file system that cannot promise space is left alone: a write that then fails
    /// poisons the store instead of recovering by itself.
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
