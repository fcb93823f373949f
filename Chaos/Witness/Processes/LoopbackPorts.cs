using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.Chaos.Witness.Processes;

/// <summary>Ports for servers that are started here.</summary>
public static class LoopbackPorts
{
    /// <summary>A port of 127.0.0.1 on which nobody listens now.</summary>
    public static int Free()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
