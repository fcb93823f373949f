using ReplicationEngine.Agent.Protocol.Access;

namespace ReplicationEngine.Vault.Serving;

/// <summary>How the service is to run.</summary>
/// <param name="Data">The directory of the vault's data, absolute.</param>
/// <param name="Listen">Where the API listens, an http or https URL with a port.</param>
/// <param name="HostNames">Host names, next to those of the listening address, under which requests may name the
/// service.</param>
/// <param name="Tokens">Where the API token is left for the user's clients; null when the environment names no
/// configuration directory.</param>
public sealed record ServeOptions(
    string Data, Uri Listen, IReadOnlyList<string> HostNames, TokenDirectory? Tokens)
{
    /// <summary>Settings of the actor system (HOCON) that go before the engine's own; null means none.</summary>
    public string? AkkaConfiguration { get; init; }

    /// <summary>The connection string of the PostgreSQL database that holds the journal; null means a file in the
    /// data directory.</summary>
    public string? Postgres { get; init; }

    /// <summary>The age at which events leave the journal, if nothing else is said.</summary>
    public static TimeSpan DefaultArchiveAfter { get; } = TimeSpan.FromDays(30);

    /// <summary>How old events are when they are moved to the journal's archive; null leaves them.</summary>
    public TimeSpan? ArchiveAfter { get; init; } = DefaultArchiveAfter;

    /// <summary>Why the service cannot run so, as one sentence with the remedy; null when it can.</summary>
    public string? Problem => Listen.IsLoopback ? null
        : $"'{Listen}' is not a loopback address; without TLS the service listens on loopback only, such as "
            + "http://127.0.0.1:7443.";
}
