namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The environment of a session: the exports, and the output for its bytes.</summary>
internal interface INbdSessionHost
{
    /// <summary>The exports that a client may list, by name.</summary>
    IReadOnlyList<NbdExport> Exports { get; }

    /// <summary>Returns the export of exactly this name, or null.</summary>
    NbdExport? Find(string name);

    /// <summary>
    /// Attaches the session to an export after the handshake; the export is in use until the session ends. False if the
    /// export has just been removed.
    /// </summary>
    bool TryAttach(NbdExport export);

    /// <summary>Sends all the bytes. Blocks while the peer accepts none.</summary>
    void Send(ReadOnlySpan<byte> bytes);

    /// <summary>A request failed below the protocol. The client received only an error number.</summary>
    void RequestFailed(NbdExport export, string request, Exception error);
}
