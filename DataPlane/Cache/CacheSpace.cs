using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Cache;

/// <summary>Asks the cache's file system for space without keeping it.</summary>
internal static class CacheSpace
{
    private const string ProbeName = "probe";
    private const int NotSupported = 95;

    /// <summary>
    /// Whether the directory's file system has so many bytes to give now. Some file systems cannot allocate ahead;
    /// there the answer is yes, and the next write tells.
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
            // No is the answer, whatever the reason; what was allocated in part goes back.
            directory.Delete(ProbeName);
            return false;
        }
    }
}
