namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>How a server behaves.</summary>
internal sealed record NbdServerOptions
{
    /// <summary>The clock behind the deadlines.</summary>
    public TimeProvider Time { get; init; } = TimeProvider.System;

    /// <summary>Who is told what happens; nobody by default.</summary>
    public INbdServerEvents Events { get; init; } = new Silence();

    /// <summary>A client has this long to choose an export (S3).</summary>
    public TimeSpan HandshakeDeadline { get; init; } = TimeSpan.FromSeconds(10);

    /// <summary>When an export is removed, its clients have this long to take their replies.</summary>
    public TimeSpan FinishDeadline { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How long an export that was announced counts as expected.</summary>
    public TimeSpan ExpectedFor { get; init; } = TimeSpan.FromSeconds(30);

    /// <summary>A client that asks for an expected export waits no longer than this; less than
    /// <see cref="HandshakeDeadline"/>.</summary>
    public TimeSpan ExpectedPatience { get; init; } = TimeSpan.FromSeconds(8);

    /// <summary>
    /// Whether clients are accepted as soon as a socket listens. Otherwise the socket's queue holds them until
    /// <see cref="NbdServer.StartAccepting"/>.
    /// </summary>
    public bool AcceptAtOnce { get; init; } = true;

    /// <summary>Connections beyond this many are closed at once.</summary>
    public int MaxConnections { get; init; } = 4096;

    private sealed class Silence : INbdServerEvents;
}
