using System.Runtime.InteropServices;

namespace ReplicationEngine.DataPlane.DataDirectories;

/// <summary>
/// Keeps a process's data from the machine's other users: directories are 0700 and files 0600. New ones are made so,
/// because the process's umask allows nothing else (<see cref="OwnerOnly"/>); there is no instant at which others can
/// open them. A directory that is there already is checked at start (<see cref="Claim"/>): it must belong to this user,
/// and one that others can enter is taken only when it is empty or a former version made it, whose files are then
/// closed to others. Any other directory is refused: its rights are somebody's decision.
/// </summary>
public static partial class PrivateDirectory
{
    /// <summary>Read, write and enter, for the owner.</summary>
    public const UnixFileMode DirectoryMode =
        UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    private const int GroupAndOthers = 0x3F;
    private const int Permissions = 0xFFF;

    // What former versions left at the top of a data directory open to others, and what a new file system holds.
    private static readonly string[] FormerNames =
        ["journal.db", "journal.db-shm", "journal.db-wal", "lock", "lost+found", "nbd.sock", "vms", "volumes"];

    /// <summary>Everything that this process creates from now on is closed to the other users.</summary>
    public static void OwnerOnly() => _ = SetMask(GroupAndOthers);

    /// <summary>Makes the directory, or checks one that is there and closes a former version's to others.</summary>
    /// <param name="directory">The data directory.</param>
    /// <param name="purpose">Whose it is, for messages.</param>
    /// <returns>How many files and directories were closed to others.</returns>
    /// <exception cref="DataDirectoryBusyException">It belongs to another user, or others can enter it; the message
    /// says what to do.</exception>
    /// <exception cref="IOException">It cannot be made or looked at.</exception>
    /// <exception cref="UnauthorizedAccessException">It may not be made or looked at.</exception>
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

    // Where others could enter they may have put something; what is not this user's is then not this process's either.
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

    /// <summary>A path as one word of a shell's command line.</summary>
    private static string Quoted(string path) =>
        path.All(c => char.IsAsciiLetterOrDigit(c) || c is '/' or '.' or '_' or '-')
            ? path : "'" + path.Replace("'", "'\\''", StringComparison.Ordinal) + "'";

    [LibraryImport("libc", EntryPoint = "umask")]
    private static partial int SetMask(int mask);
}
