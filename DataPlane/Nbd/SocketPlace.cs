using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.DataPlane.DataDirectories;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Where a process's NBD socket is: <c>nbd.sock</c> in its data directory, or, where that path is longer than the
/// system takes for a socket, in a directory of a random name in the temporary directory. That directory is this user's
/// alone, so that nobody else can put a socket of theirs in the place; its path is kept in the data directory's file
/// <c>socket-directory</c> and stays the same over restarts, because machines have it in their configuration.
/// </summary>
internal static class SocketPlace
{
    /// <summary>The file that keeps the directory of a socket outside the data directory.</summary>
    public const string FileName = "socket-directory";

    private const string SocketName = "nbd.sock";
    private const int LongestSocketPath = 107;
    private const int RandomBytes = 8;

    /// <summary>The socket's path; its directory exists.</summary>
    /// <param name="dataDirectory">The process's data directory.</param>
    /// <param name="temporary">The temporary directory.</param>
    /// <exception cref="IOException">No private directory can be made.</exception>
    /// <exception cref="UnauthorizedAccessException">No private directory may be made.</exception>
    public static string Of(string dataDirectory, string temporary)
    {
        var path = Path.GetFullPath(Path.Combine(dataDirectory, SocketName));
        if (Encoding.UTF8.GetByteCount(path) <= LongestSocketPath)
        {
            return path;
        }

        Directory.CreateDirectory(dataDirectory, PrivateDirectory.DirectoryMode);
        var kept = Path.Combine(dataDirectory, FileName);
        if (File.Exists(kept) && IsPrivate(File.ReadAllText(kept).Trim()) is { } former)
        {
            return Path.Combine(former, SocketName);
        }

        var made = Path.Combine(
            temporary, "drctl-" + Convert.ToHexStringLower(RandomNumberGenerator.GetBytes(RandomBytes)));
        if (IsPrivate(made) is null)
        {
            throw new IOException(
                $"The directory '{made}' for the NBD socket cannot be created for this user alone; check {temporary}, "
                + "or give a shorter --data.");
        }

        File.WriteAllText(kept, made + "\n");
        return Path.Combine(made, SocketName);
    }

    // The directory, made when it is missing (the temporary directory is emptied at boot); null when it is not this
    // user's alone or cannot be made.
    private static string? IsPrivate(string directory)
    {
        if (!Path.IsPathFullyQualified(directory))
        {
            return null;
        }

        try
        {
            Directory.CreateDirectory(directory, PrivateDirectory.DirectoryMode);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Something else has its name: the check below would refuse it too.
            return null;
        }

        var found = FileOwnership.Of(directory, follow: false);
        return found is { IsDirectory: true, IsOpenToOthers: false } && found.Owner == FileOwnership.CurrentUser
            ? directory
            : null;
    }
}
