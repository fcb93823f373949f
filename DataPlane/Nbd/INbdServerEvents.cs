namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// Notifications of a server to its owner, for logs and metrics. Called on the connections' own threads: members must
/// be quick, safe for several threads, and must not throw.
/// </summary>
internal interface INbdServerEvents
{
    /// <summary>A client finished the handshake.</summary>
    void ClientConnected(string export, long connection)
    {
    }

    /// <summary>A connection ended; <paramref name="error"/> is null if it ended normally.</summary>
    /// <param name="export">The export that the connection used; null if the handshake did not finish.</param>
    /// <param name="connection">The connection's number, unique within the server.</param>
    /// <param name="error">The cause of the end: an error of the peer or the network, or a bug.</param>
    void ConnectionEnded(string? export, long connection, Exception? error)
    {
    }

    /// <summary>A device failed a request. The client received only an error number.</summary>
    void RequestFailed(string export, long connection, string request, Exception error)
    {
    }
}
