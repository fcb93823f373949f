using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.DataDirectories;

/// <summary>
/// Protects a process's data from the machine's other users: directories are 0700 and files 0600. New ones are created
/// that way, because the process's umask allows nothing else (<see cref="OwnerOnly"/>), so other users can never open
/// them. An existing directory is checked at the start (<see cref="Claim"/>): it must belong to the current user. If
/// others can enter it, it is accepted only if it is empty or was created by a former version, whose files are then
/// closed to others. Any other directory is refused, because its permissions were set deliberately.
/// </summary>
public static partial class PrivateDirectory
{
    /// <summary>Read, write and enter permission for the owner only.</summary>
    public const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const int GroupAndOthers = 0x3F;
    private const int Permissions = 0xFFF;

    // The files that former versions left open to others at the top of a data directory, and the content of a new file
    // system.
    private static readonly string[] FormerNames =
        ["journal.db", "journal.db-shm", "journal.db-wal", "lock", "lost+found", "nbd.sock", "vms", "volumes"];

    /// <summary>Sets the umask, so that everything this process creates is closed to other users.</summary>
    public static void OwnerOnly() => _ = SetMask(GroupAndOthers);

    /// <summary>
    /// Creates the directory, or checks an existing one and closes a former version's files to others.
    /// </summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="purpose">The owner of the directory, for messages.</param>
    /// <returns>The number of files and directories that were closed to others.</returns>
    /// <exception cref="DataDirectoryBusyException">
    /// The directory belongs to another user, or others can enter it. The message names the remedy.
    /// </exception>
    /// <exception cref="IOException">The directory cannot be created or read.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The user has no permission to create or read the directory.
    /// </exception>
    public static int Claim(string directory, string purpose)
    {
        Directory.CreateDirectory(directory, DirectoryMode);
        var found = FileOwnership.Of(directory);
        if (found.Owner != FileOwnership.CurrentUser)
        {
            throw new DataDirectoryBusyException(
                $"the data directory '{directory}' belongs to another user (id {found.Owner}); run this {purpose} as "
                + "that user, or give it another --data");
        }

        if (!found.IsOpenToOthers)
        {
            return CloseContent(directory, demandOwner: false);
        }

        if (Directory.EnumerateFileSystemEntries(directory).Any(path => !FormerNames.Contains(Path.GetFileName(path))))
        {
            throw new DataDirectoryBusyException(
                $"the data directory '{directory}' is accessible to other users of this machine; restrict it with "
                + $"`chmod -R go-rwx {Quoted(directory)}`, or give this {purpose} its own directory with --data");
        }

        Close(directory, found);
        return 1 + CloseContent(directory, demandOwner: true);
    }

    // If others could enter, they may have put files there; a file that does not belong to this user does not belong to
    // this process either.
    private static int CloseContent(string directory, bool demandOwner)
    {
        var closed = 0;
        foreach (var path in Directory.EnumerateFileSystemEntries(directory))
        {
            var found = FileOwnership.Of(path, follow: false);
            if (found.Owner != FileOwnership.CurrentUser)
            {
                if (demandOwner && Path.GetFileName(path) != "lost+found")
                {
                    throw new DataDirectoryBusyException(
                        $"'{path}' in the data directory belongs to another user (id {found.Owner}); check what it is, "
                        + "and remove it or give it to this user");
                }

                continue;
            }

            if (found.IsOpenToOthers)
            {
                Close(path, found);
                closed++;
            }

            if (found.IsDirectory)
            {
                closed += CloseContent(path, demandOwner);
            }
        }

        return closed;
    }

    private static void Close(string path, FileOwnership found) =>
        File.SetUnixFileMode(path, (UnixFileMode)(found.Mode & Permissions & ~GroupAndOthers));

    /// <summary>Quotes a path as one word of a shell's command line.</summary>
    private static string Quoted(string path) =>
        path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-')
            ? path : "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int SetMask(int mask);
}
