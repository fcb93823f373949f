namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The options of a server.</summary>
internal sealed record NbdServerOptions
{
    /// <summary>The source of time for deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>The receiver of the server's notifications; none by default.</summary>
    public INbdServerEvents Events { get; init; } = new Silence();

    /// <summary>The time a client has to choose an export (S3).</summary>
    public TimeSpan HandshakeDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>The time that the clients of a removed export have to accept their replies.</summary>
    public TimeSpan FinishDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>The time for which an announced export counts as expected.</summary>
    public TimeSpan ExpectedFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>
    /// The maximum time that a client waits for an expected export; less than <see cref="HandshakeDeadline"/>.
    /// </summary>
    public TimeSpan ExpectedPatience { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>
    /// Whether clients are accepted as soon as a socket listens. Otherwise the socket's queue holds them until
    /// <see cref="NbdServer.StartAccepting"/>.
    /// </summary>
    public bool AcceptAtOnce { get; init; } = true;

    /// <summary>The maximum number of connections; further ones are closed at once.</summary>
    public int MaxConnections { get; init; } = 4096;

    private sealed class Silence : INbdServerEvents;
}
