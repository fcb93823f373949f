using System.Net.Sockets;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// Has the system notice a TCP peer that is gone without a word (power cut, lost NAT entry): keepalive probes on idle
/// connections, and an end for sent data that nobody acknowledges. It stands behind the deadlines of the protocols
/// themselves, which are shorter where silence matters (S3).
/// </summary>
public static class LiveSockets
{
    private const int IdleSeconds = 5;
    private const int ProbeEverySeconds = 3;
    private const int Probes = 4;
    private const int TcpLevel = 6;

    // TCP_USER_TIMEOUT of Linux; .NET has no name for it.
    private const int TcpUserTimeout = 18;

    /// <summary>How long sent data may stay unacknowledged. Longer than a receiver may hold its sender back because its
    /// disk is slow: a window that stays closed counts too.</summary>
    public static TimeSpan UserTimeout { get; } = TimeSpan.FromSeconds(60);

    /// <summary>Sets the options on a connected, accepted or listening socket; does nothing for a unix
    /// socket.</summary>
    /// <exception cref="SocketException">The socket is closed.</exception>
    public static void Apply(Socket socket)
    {
        ArgumentNullException.ThrowIfNull(socket);
        if (socket.AddressFamily is not (AddressFamily.InterNetwork or AddressFamily.InterNetworkV6))
        {
            return;
        }

        socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.KeepAlive, true);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveTime, IdleSeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveInterval, ProbeEverySeconds);
        socket.SetSocketOption(SocketOptionLevel.Tcp, SocketOptionName.TcpKeepAliveRetryCount, Probes);
        if (OperatingSystem.IsLinux())
        {
            socket.SetRawSocketOption(
                TcpLevel, TcpUserTimeout, BitConverter.GetBytes((int)UserTimeout.TotalMilliseconds));
        }
    }
}
