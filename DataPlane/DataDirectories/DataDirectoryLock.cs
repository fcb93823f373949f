namespace ReplicationEngine.DataPlane.DataDirectories;

/// <summary>
/// Reserves a data directory for one process: an exclusive lock on a file in the directory, which the system releases
/// when the process ends, even after a crash.
/// </summary>
public sealed class DataDirectoryLock : IDisposable
{
    // EWOULDBLOCK: another process holds the lock.
    private const int WouldBlock = 11;

    private readonly FileStream _file;

    private DataDirectoryLock(FileStream file, int closed) => (_file, ClosedToOthers) = (file, closed);

    /// <summary>
    /// The number of files and directories that were open to other users at the start and were closed to them.
    /// </summary>
    public int ClosedToOthers { get; }

    /// <summary>The path of the data directory.</summary>
    public string Directory => Path.GetDirectoryName(_file.Name)!;

    /// <summary>Creates the directory if needed, closed to other users, and takes the lock.</summary>
    /// <exception cref="DataDirectoryBusyException">
    /// Another process holds the lock, the directory belongs to another user or is open to others
    /// (<see cref="PrivateDirectory.Claim"/>), or it cannot be created.
    /// </exception>
    public static DataDirectoryLock Take(string directory, string purpose)
    {
        try
        {
            var closed = PrivateDirectory.Claim(directory, purpose);
            return new DataDirectoryLock(
                new FileStream(
                    Path.Combine(directory, "lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None),
                closed);
        }
        catch (DataDirectoryBusyException)
        {
            throw;
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new DataDirectoryBusyException(
                HasOnlyReaders(directory)
                    ? $"the data directory '{directory}' is in use by a process that only reads it, such as `drctl "
                        + "replica serve`; stop that process first"
                    : $"the data directory '{directory}' is in use by another process; stop it, or give this "
                        + $"{purpose} another --data",
                e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryBusyException(
                $"the data directory '{directory}' cannot be used by this {purpose}: {e.Message}", e);
        }
    }

    // A process that may change the directory would exclude readers.
    private static bool HasOnlyReaders(string directory)
    {
        try
        {
            using var shared = Share(directory);
            return shared is not null;
        }
        catch (DataDirectoryBusyException)
        {
            return false;
        }
    }

    /// <summary>
    /// Excludes every process that would change the directory, while other readers may use it concurrently. Creates
    /// nothing. Null if there is no lock file, because then no process uses the directory.
    /// </summary>
    /// <exception cref="DataDirectoryBusyException">A process that may change the directory is running.</exception>
    public static DataDirectoryLock? Share(string directory)
    {
        try
        {
            return new DataDirectoryLock(new FileStream(
                Path.Combine(directory, "lock"), FileMode.Open, FileAccess.Read, FileShare.Read), 0);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException)
        {
            return null;
        }
        catch (IOException e) when (e.HResult == WouldBlock)
        {
            throw new DataDirectoryBusyException(
                $"the data directory '{directory}' is in use by a running service; use that service, or stop it first",
                e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new DataDirectoryBusyException($"the data directory '{directory}' cannot be read: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _file.Dispose();
}

/// <summary>The data directory is in use by another process or cannot be used at all.</summary>
public sealed class DataDirectoryBusyException(string message, Exception? inner = null)
    : IOException(message, inner);
