using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.Chaos.Witness.Processes;

/// <summary>Ports for servers that are started on this machine.</summary>
public static class LoopbackPorts
{
    /// <summary>Returns a port of 127.0.0.1 that is free now.</summary>
    public static int Free()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
