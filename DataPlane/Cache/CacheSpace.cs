using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Cache;

/// <summary>Checks the free space of the cache's file system without reserving it.</summary>
internal static class CacheSpace
{
    private const string ProbeName = "probe";
    private const int NotSupported = 95;

    /// <summary>
    /// Returns whether the directory's file system can allocate so many bytes now. On a file system that cannot
    /// preallocate it returns true, and the next write reports a lack of space.
    /// </summary>
    public static bool HasRoom(IStorageDirectory directory, long bytes)
    {
        try
        {
            using (var file = directory.Open(ProbeName, StorageOpen.Any))
            {
                file.Allocate(0, bytes);
            }

            directory.Delete(ProbeName);
            return true;
        }
        catch (StorageException e) when (e.Errno == NotSupported)
        {
            directory.Delete(ProbeName);
            return true;
        }
        catch (StorageException)
        {
            // The result is false whatever the error; a partial allocation is released.
            directory.Delete(ProbeName);
            return false;
        }
    }
}
