namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>
/// What a server tells its owner, for logs and metrics. Called on the connections' own threads: members must be quick,
/// safe for several threads, and must not throw.
/// </summary>
internal interface INbdServerEvents
{
    /// <summary>A client finished the handshake.</summary>
    void ClientConnected(string export, long connection)
    {
    }

    /// <summary>A connection ended; <paramref name="error"/> is null when it did so in good order.</summary>
    /// <param name="export">The export it used; null when it never got past the handshake.</param>
    /// <param name="connection">The connection's number, unique within the server.</param>
    /// <param name="error">What ended it: the peer's fault or the network's, or a bug.</param>
    void ConnectionEnded(string? export, long connection, Exception? error)
    {
    }

    /// <summary>A device failed a request; the client was told an error number only.</summary>
    void RequestFailed(string export, long connection, string request, Exception error)
    {
    }
}
