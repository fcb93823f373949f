using System.Net;
using System.Net.Sockets;
using System.Text;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>Opens listening sockets.</summary>
internal static class ListeningSockets
{
    private const int Backlog = 1024;
    private const int LongestPath = 107;

    /// <summary>
    /// Opens a unix socket that only the users named by <paramref name="access"/> may connect to. Replaces a socket
    /// file left by a former process, but not one that is in use.
    /// </summary>
    public static Socket Unix(string path, UnixSocketAccess access)
    {
        if (Encoding.UTF8.GetByteCount(path) > LongestPath)
        {
            throw new NbdListenException(
                $"The socket path '{path}' is longer than the system's {LongestPath} bytes; choose a shorter one.");
        }

        if (Path.GetDirectoryName(path) is { Length: > 0 } directory && !Directory.Exists(directory))
        {
            throw new NbdListenException(
                $"The directory '{directory}' for the socket '{path}' does not exist, or this user may not enter it; "
                + "create it, or choose another path.");
        }

        var endPoint = new UnixDomainSocketEndPoint(path);
        RemoveStale(path, endPoint);
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            access.Bind(socket, endPoint, path);
            socket.Listen(Backlog);
            return socket;
        }
        catch (NbdListenException)
        {
            socket.Dispose();
            File.Delete(path);
            throw;
        }
        catch (Exception e) when (e is SocketException or IOException or UnauthorizedAccessException)
        {
            socket.Dispose();
            throw new NbdListenException($"Cannot listen on '{path}': {e.Message}", e);
        }
    }

    /// <summary>Opens a TCP socket that listens at an address.</summary>
    public static Socket Tcp(IPEndPoint endPoint)
    {
        var socket = new Socket(endPoint.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            socket.Bind(endPoint);
            socket.Listen(Backlog);
            return socket;
        }
        catch (SocketException e)
        {
            socket.Dispose();
            throw new NbdListenException($"Cannot listen on {endPoint}: {e.Message}; choose another port.", e);
        }
    }

    private static void RemoveStale(string path, UnixDomainSocketEndPoint endPoint)
    {
        if (!File.Exists(path))
        {
            return;
        }

        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(endPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionRefused)
        {
            // No process listens: the file is a leftover socket or not a socket, and connecting refuses both alike.
            if (new FileInfo(path).Length == 0)
            {
                File.Delete(path);
                return;
            }
        }
        catch (SocketException e)
        {
            throw new NbdListenException($"Cannot determine whether '{path}' is in use: {e.Message}", e);
        }

        throw new NbdListenException($"'{path}' is in use by another process or is not a socket; choose another path.");
    }
}
