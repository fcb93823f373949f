using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Reserves the journal for this process with an exclusive lock on a file next to it. The operating system releases the
/// lock when the process ends for any reason.
/// </summary>
internal sealed class FileLock : IDisposable
{
    private readonly FileStream _stream;

    private FileLock(FileStream stream) => _stream = stream;

    /// <exception cref="JournalInUseException">Another process holds the lock.</exception>
    /// <exception cref="JournalUnavailableException">The directory cannot be written.</exception>
    public static FileLock Take(string path)
    {
        var lockPath = path + ".lock";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return new FileLock(new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (File.Exists(lockPath))
        {
            throw new JournalInUseException(
                $"The journal {path} is open in another process; stop it, or choose another data directory.",
                exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new JournalUnavailableException(
                $"The journal {path} cannot be created: {exception.Message} Choose a writable directory.",
                exception);
        }
    }

    public void Dispose() => _stream.Dispose();
}
