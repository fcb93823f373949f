using ReplicationEngine.Agent.Protocol.Access;

namespace ReplicationEngine.Vault.Serving;

/// <summary>The options of the service.</summary>
/// <param name="Data">The directory of the vault's data, absolute.</param>
/// <param name="Listen">The URL that the API listens on: http or https, with a port.</param>
/// <param name="HostNames">Host names, in addition to those of the listening address, under which requests may name the
/// service.</param>
/// <param name="Tokens">The directory in which the API token is stored for the user's clients; null when the
/// environment names no configuration directory.</param>
public sealed record ServeOptions(
    string Data, Uri Listen, IReadOnlyList<string> HostNames, TokenDirectory? Tokens)
{
    /// <summary>Settings of the actor system (HOCON) that override the engine's own; null means none.</summary>
    public string? AkkaConfiguration { get; init; }

    /// <summary>
    /// The connection string of the PostgreSQL database that holds the journal; null means a file in the data
    /// directory.
    /// </summary>
    public string? Postgres { get; init; }

    /// <summary>The default age at which events leave the journal.</summary>
    public static TimeSpan DefaultArchiveAfter { get; } = TimeSpan.FromDays(30);

    /// <summary>The age at which events are moved to the journal's archive; null keeps them in the journal.</summary>
    public TimeSpan? ArchiveAfter { get; init; } = DefaultArchiveAfter;

    /// <summary>
    /// The reason why the service cannot run with these options, as one sentence with the remedy; null when it can.
    /// </summary>
    public string? Problem => Listen.IsLoopback ? null
        : $"'{Listen}' is not a loopback address; without TLS the service listens on loopback only, such as "
            + "http://127.0.0.1:7443.";
}
