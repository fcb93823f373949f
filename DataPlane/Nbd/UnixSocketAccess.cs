using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Who may connect to a unix socket: connecting needs the right to write to it.</summary>
/// <param name="Group">The group's name or number; null leaves the process's own.</param>
/// <param name="Mode">The socket file's permission bits.</param>
public sealed record UnixSocketAccess(string? Group, UnixFileMode Mode)
{
    private const int OwnerOnlyMask = 0x3F;
    private const int GroupBuffer = 64 << 10;

    /// <summary>Only the user of this process (mode 0600).</summary>
    public static UnixSocketAccess OwnerOnly { get; } =
        new(null, UnixFileMode.UserRead | UnixFileMode.UserWrite);

    /// <summary>Binds the socket to its path, closed to others until the rights are set.</summary>
    /// <exception cref="NbdListenException">The group is not known or may not be given.</exception>
    internal void Bind(Socket socket, UnixDomainSocketEndPoint endPoint, string path)
    {
        if (OperatingSystem.IsWindows())
        {
            socket.Bind(endPoint);
            return;
        }

        // The mask is the whole process's. For this moment other threads make files and directories that are their
        // owner's only, which is what all of this program's are anyway.
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
