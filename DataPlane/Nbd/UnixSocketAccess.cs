using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The users that may connect to a unix socket: connecting requires write permission on it.</summary>
/// <param name="Group">The group's name or number; null leaves the process's own group.</param>
/// <param name="Mode">The socket file's permission bits.</param>
public sealed record UnixSocketAccess(string? Group, UnixFileMode Mode)
{
    private const int OwnerOnlyMask = 0x3F;
    private const int GroupBuffer = 64 << 10;

    /// <summary>Access for the user of this process only (mode 0600).</summary>
    public static UnixSocketAccess OwnerOnly { get; } =
        new(null, UnixFileMode.UserRead | UnixFileMode.UserWrite);

    /// <summary>Binds the socket to its path, closed to others until the permissions are set.</summary>
    /// <exception cref="NbdListenException">The group is unknown or may not be assigned.</exception>
    internal void Bind(Socket socket, UnixDomainSocketEndPoint endPoint, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            socket.Bind(endPoint);
            return;
        }

        // The mask is process-wide. While it is set, other threads create files and directories for their owner only,
        // as this program always does.
        var former = NativeMethods.Mask(OwnerOnlyMask);
        try
        {
            socket.Bind(endPoint);
        }
        finally
        {
            _ = NativeMethods.Mask(former);
        }

        if (Group is { } group && NativeMethods.ChangeOwner(path, -1, IdOf(group)) != 0)
        {
            throw new NbdListenException(
                $"The socket '{path}' cannot be given to group '{group}': "
                    + $"{Marshal.GetPInvokeErrorMessage(Marshal.GetLastPInvokeError())}; run as a member of it.");
        }

        File.SetUnixFileMode(path, Mode);
    }

    private static unsafe int IdOf(string group)
    {
        if (int.TryParse(group, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        {
            return number;
        }

        var buffer = new byte[GroupBuffer];
        fixed (byte* texts = buffer)
        {
            return NativeMethods.FindGroup(group, out var entry, texts, GroupBuffer, out var found) == 0 && found != 0
                ? entry.Id
                : throw new NbdListenException($"This machine has no group '{group}'; see `getent group`.");
        }
    }
}
