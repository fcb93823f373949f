namespace ReplicationEngine.DataPlane.Storage;

/// <summary>Small files that hold secrets: their owner alone may read them, and they are replaced whole.</summary>
public static class PrivateFile
{
    private const int GroupAndOthers = 0x3F;

    /// <summary>Everything that this process creates from now on is closed to other users, unless its mode is set
    /// otherwise.</summary>
    public static void OwnerOnly() => _ = NativeMethods.Mask(GroupAndOthers);

    /// <summary>
    /// Puts a file in the place of the one at the path, durably: after a crash there is the old one or the new one. It
    /// is never readable by others, not even for a moment.
    /// </summary>
    /// <exception cref="StorageException">It cannot be written.</exception>
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
