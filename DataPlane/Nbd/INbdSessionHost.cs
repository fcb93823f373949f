namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>What a session needs of the world around it: the exports, and a way out for its bytes.</summary>
internal interface INbdSessionHost
{
    /// <summary>The exports a client may list, by name.</summary>
    IReadOnlyList<NbdExport> Exports { get; }

    /// <summary>The export of exactly this name, or none.</summary>
    NbdExport? Find(string name);

    /// <summary>
    /// The handshake is over and this export is in use until the session ends; false when it has just been removed.
    /// </summary>
    bool TryAttach(NbdExport export);

    /// <summary>Sends all the bytes; blocks while the peer takes none.</summary>
    void Send(ReadOnlySpan<byte> bytes);

    /// <summary>A request failed below the protocol; the client was told an error number only.</summary>
    void RequestFailed(NbdExport export, string request, Exception error);
}
