using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Says that nobody else makes the same journal meanwhile: an exclusive lock on a file beside it. The operating system
/// gives it free when the process ends, however it ends.
/// </summary>
internal sealed class ImportLock : IDisposable
{
    private readonly FileStream _stream;

    private ImportLock(FileStream stream) => _stream = stream;

    /// <exception cref="JournalInUseException">Another process holds it.</exception>
    /// <exception cref="JournalUnavailableException">The directory cannot be written.</exception>
    public static ImportLock Take(string path)
    {
        var lockPath = path + ".lock";
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
            return new ImportLock(
                new FileStream(lockPath, FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None));
        }
        catch (IOException exception) when (File.Exists(lockPath))
        {
            throw new JournalInUseException(
                $"The journal {path} is being made by another process; wait for that one, or choose another data "
                + "directory.",
                exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new JournalUnavailableException(
                $"The journal {path} cannot be created: {exception.Message} Choose a directory that can be written.",
                exception);
        }
    }

    public void Dispose() => _stream.Dispose();
}
