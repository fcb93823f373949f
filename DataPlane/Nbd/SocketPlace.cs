using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.DataPlane.DataDirectories;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// The path of a process's NBD socket: <c>nbd.sock</c> in its data directory, or, if that path is longer than the
/// system allows for a socket, in a directory of a random name in the temporary directory. Only the current user can
/// write to that directory, so no other user can put a socket there. Its path is stored in the data directory's file
/// <c>socket-directory</c> and is the same after restarts, because machines have it in their configuration.
/// </summary>
internal static class SocketPlace
{
    /// <summary>The name of the file that stores the directory of a socket outside the data directory.</summary>
    public const string FileName = "socket-directory";

    private const string SocketName = "nbd.sock";
    private const int LongestSocketPath = 107;
    private const int RandomBytes = 8;

    /// <summary>Returns the socket's path; its directory exists.</summary>
    /// <param name="dataDirectory">The process's data directory.</param>
    /// <param name="temporary">The path of the temporary directory.</param>
    /// <exception cref="IOException">No private directory can be created.</exception>
    /// <exception cref="UnauthorizedAccessException">
    /// The user has no permission to create a private directory.
    /// </exception>
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

    // Returns the directory, created if it is missing (the temporary directory is emptied at boot); null if other users
    // can use it or it cannot be created.
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
            // Another kind of file has this name; the check below would refuse it too.
            return null;
        }

        var found = FileOwnership.Of(directory, follow: false);
        return found is { IsDirectory: true, IsOpenToOthers: false } && found.Owner == FileOwnership.CurrentUser
            ? directory
            : null;
    }
}
