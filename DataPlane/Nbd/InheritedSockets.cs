using System.Globalization;
using System.Net.Sockets;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Listening sockets that the parent process opened: systemd's protocol (sd_listen_fds(3)). <c>LISTEN_PID</c> is the
/// process for which they are intended, <c>LISTEN_FDS</c> their number; they start at descriptor 3.
/// </summary>
internal static class InheritedSockets
{
    private const int FirstDescriptor = 3;
    private const int MaxDescriptors = 1024;

    /// <summary>Returns the descriptors intended for this process: none unless both variables are valid.</summary>
    public static IReadOnlyList<int> Descriptors(string? listenPid, string? listenFds, int processId)
    {
        var meant = int.TryParse(listenPid, NumberStyles.None, CultureInfo.InvariantCulture, out var pid)
            && pid == processId;
        return meant
            && int.TryParse(listenFds, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && count is > 0 and <= MaxDescriptors
            ? [.. Enumerable.Range(FirstDescriptor, count)]
            : [];
    }

    /// <summary>Returns the sockets intended for this process.</summary>
    /// <exception cref="NbdListenException">A descriptor is not a listening socket.</exception>
    public static IReadOnlyList<Socket> Take() =>
    [
        .. Descriptors(
            Environment.GetEnvironmentVariable("LISTEN_PID"),
            Environment.GetEnvironmentVariable("LISTEN_FDS"),
            Environment.ProcessId).Select(Open),
    ];

    /// <summary>Creates a socket that owns a descriptor.</summary>
    internal static Socket Open(int descriptor)
    {
        var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        try
        {
            // Creating the socket does not check the kind of descriptor; this does.
            if (socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.AcceptConnection) is 1)
            {
                return socket;
            }
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new NbdListenException(
                $"LISTEN_FDS names descriptor {descriptor}, which is not a socket: {e.Message}", e);
        }

        socket.Dispose();
        throw new NbdListenException($"LISTEN_FDS names descriptor {descriptor}, which is not a listening socket.");
    }
}

/// <summary>
/// The server cannot listen at the requested address or path. The message names the reason and the remedy.
/// </summary>
public sealed class NbdListenException(string message, Exception? inner = null) : IOException(message, inner);
