using System.Net.Sockets;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// Makes the system detect a TCP peer that is gone without notice (power failure, lost NAT entry): keepalive probes on
/// idle connections, and a timeout for sent data that is not acknowledged. The protocols' own deadlines are shorter
/// where silence matters (S3).
/// </summary>
public static class LiveSockets
{
    private const int IdleSeconds = 5;
    private const int ProbeEverySeconds = 3;
    private const int Probes = 4;
    private const int TcpLevel = 6;

    // TCP_USER_TIMEOUT of Linux; .NET has no constant for it.
    private const int TcpUserTimeout = 18;

    /// <summary>
    /// The time that sent data may be unacknowledged. It is longer than a receiver with a slow disk may block its
    /// sender, because a window that is closed for long counts too.
    /// </summary>
    public static TimeSpan UserTimeout { get; } = TimeSpan.FromSeconds(60);

    /// <summary>
    /// Sets the options on a connected, accepted or listening socket; does nothing for a unix socket.
    /// </summary>
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
