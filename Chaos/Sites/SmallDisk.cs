using System.Diagnostics;

namespace ReplicationEngine.Chaos.Sites;

/// <summary>
/// An in-memory file system of a few hundred MiB for the agent's data, which can be filled to its last byte. Mounting
/// needs root.
/// </summary>
internal sealed class SmallDisk : IDisposable
{
    private readonly string _directory;
    private bool _mounted = true;

    private SmallDisk(string directory) => _directory = directory;

    private string Ballast => Path.Combine(_directory, "ballast");

    /// <summary>Mounts a small disk on a new directory.</summary>
    /// <returns>The disk; null, with the reason, when this process may not mount.</returns>
    public static (SmallDisk? Disk, string Why) Mount(string directory, int mebibytes)
    {
        if (!Environment.IsPrivilegedProcess)
        {
            return (null, "mounting a small file system requires root");
        }

        Directory.CreateDirectory(directory);
        var (code, said) = Run("mount", "-t", "tmpfs", "-o", $"size={mebibytes}m,mode=0700", "drctl-chaos", directory);
        return code == 0 ? (new SmallDisk(directory), "") : (null, $"no file system can be mounted here: {said}");
    }

    /// <summary>Fills the disk to its last byte.</summary>
    public void Fill()
    {
        using var file = new FileStream(Ballast, FileMode.Append, FileAccess.Write, FileShare.None, bufferSize: 0);
        var block = new byte[1 << 16];
        for (var size = block.Length; size >= 512;)
        {
            try
            {
                file.Write(block, 0, size);
            }
            catch (IOException)
            {
                size /= 2;
            }
        }
    }

    /// <summary>Deletes the ballast.</summary>
    public void Empty() => File.Delete(Ballast);

    /// <summary>Unmounts the disk; its files stay as plain files when <paramref name="keeps"/> is true.</summary>
    /// <remarks>No process may have files of the disk open.</remarks>
    public void Unmount(bool keeps)
    {
        if (!_mounted)
        {
            return;
        }

        _mounted = false;
        Empty();
        var copy = _directory + ".kept";
        if (keeps)
        {
            Demand(Run("cp", "-a", _directory, copy));
        }

        Demand(Run("umount", _directory));
        if (keeps)
        {
            Directory.Delete(_directory);
            Directory.Move(copy, _directory);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Unmount(keeps: false);

    private static void Demand((int Code, string Said) result)
    {
        if (result.Code != 0)
        {
            throw new IOException(result.Said);
        }
    }

    private static (int Code, string Said) Run(string program, params IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments) { UseShellExecute = false, RedirectStandardError = true };
        using var process = Process.Start(start)
            ?? throw new InvalidOperationException($"{program} did not start.");
        var said = process.StandardError.ReadToEnd().Trim();
        process.WaitForExit();
        return (process.ExitCode, said);
    }
}
