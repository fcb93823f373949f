namespace ReplicationEngine.DataPlane.Storage;

/// <summary>Small files that hold secrets: only their owner may read them, and they are replaced as a whole.</summary>
public static class PrivateFile
{
    private const int GroupAndOthers = 0x3F;

    /// <summary>
    /// Sets the umask, so that everything this process creates is closed to other users unless its mode is set
    /// explicitly.
    /// </summary>
    public static void OwnerOnly() => _ = NativeMethods.Mask(GroupAndOthers);

    /// <summary>
    /// Replaces the file at the path, durably: after a crash the old or the new file exists. Other users can never read
    /// it, not even briefly.
    /// </summary>
    /// <exception cref="StorageException">The file cannot be written.</exception>
    public static void Write(string path, ReadOnlySpan<byte> content)
    {
        var next = path + ".new";
        var directory = new FileStorageDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        try
        {
            File.Delete(next);
            var options = new FileStreamOptions { Mode = FileMode.CreateNew, Access = FileAccess.Write };
            if (!OperatingSystem.IsWindows())
            {
                options.UnixCreateMode = UnixFileMode.UserRead | UnixFileMode.UserWrite;
            }

            new FileStream(next, options).Dispose();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new StorageException($"cannot create '{next}': {e.Message}", StorageException.InputOutput, e);
        }

        using (var file = directory.Open(Path.GetFileName(next), StorageOpen.Existing))
        {
            file.Write(0, content);
            file.Sync();
        }

        directory.Rename(Path.GetFileName(next), Path.GetFileName(path));
        directory.Sync();
    }
}
