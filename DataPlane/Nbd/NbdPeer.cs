using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>A client of an export.</summary>
/// <param name="Who">A description for operators: the process behind a unix socket, or the address.</param>
/// <param name="ReadOnly">Whether the client was informed that it cannot write.</param>
public sealed record NbdPeer(string Who, bool ReadOnly)
{
    private const int SocketLevel = 1;

    // SO_PEERCRED of Linux: struct ucred, three 32-bit numbers. .NET has no constant for it.
    private const int PeerCredentials = 17;
    private const int CredentialBytes = 12;

    /// <summary>Describes the peer of a connection.</summary>
    internal static string Name(Socket socket)
    {
        try
        {
            if (socket.RemoteEndPoint is IPEndPoint address)
            {
                return address.ToString();
            }

            if (!OperatingSystem.IsLinux() || socket.AddressFamily != AddressFamily.Unix)
            {
                return "a process on this machine";
            }

            Span<byte> credentials = stackalloc byte[CredentialBytes];
            _ = socket.GetRawSocketOption(SocketLevel, PeerCredentials, credentials);
            var (process, user) = (BitConverter.ToInt32(credentials), BitConverter.ToInt32(credentials[4..]));
            return $"{Program(process)} (process {process}, user {user})";
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            return "a client that has just left";
        }
    }

    private static string Program(int process)
    {
        try
        {
            return string.Concat(
                File.ReadAllText($"/proc/{process}/comm").Trim().Select(c => char.IsControl(c) ? '?' : c));
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return "a program";
        }
    }
}
