using System.Globalization;
using System.Net.Sockets;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Sockets that the parent process opened and listens on: systemd's protocol (sd_listen_fds(3)). <c>LISTEN_PID</c> is
/// the process they are meant for, <c>LISTEN_FDS</c> how many there are, from descriptor 3 on.
/// </summary>
internal static class InheritedSockets
{
    private const int FirstDescriptor = 3;
    private const int MaxDescriptors = 1024;

    /// <summary>The descriptors meant for this process: none unless both variables say so.</summary>
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

    /// <summary>The sockets meant for this process.</summary>
    /// <exception cref="NbdListenException">A descriptor is no listening socket.</exception>
    public static IReadOnlyList<Socket> Take() =>
    [
        .. Descriptors(
            Environment.GetEnvironmentVariable("LISTEN_PID"),
            Environment.GetEnvironmentVariable("LISTEN_FDS"),
            Environment.ProcessId).Select(Open),
    ];

    /// <summary>Takes over a descriptor.</summary>
    internal static Socket Open(int descriptor)
    {
        var socket = new Socket(new SafeSocketHandle(descriptor, ownsHandle: true));
        try
        {
            // Taking over does not look at what the descriptor is; this does.
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

/// <summary>The server cannot listen where it was told to; the message says why and what to do.</summary>
public sealed class NbdListenException(string message, Exception? inner = null) : IOException(message, inner);
