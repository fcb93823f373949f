using System.Collections;
using Akka.Configuration;
using ReplicationEngine.Actors.Clustering;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Composes the configuration of the actor system. The first source wins: settings that the engine requires, the
/// environment, the operator's text, the engine's <c>akka.hocon</c>, and Akka's own defaults.
/// </summary>
internal static class EngineConfiguration
{
    private const string Resource = "akka.hocon";
    private const string Prefix = "AKKA__";

    // A process that is no node is a cluster of one: no heartbeats matter, and it does not listen anywhere.
    private const string Lone = """
        akka {
          remote {
            enabled-transports = ["akka.remote.lone"]
            lone {
              transport-class = "ReplicationEngine.Actors.Hosting.LoneTransport, ReplicationEngine.Actors"
              transport-protocol = lone
              applied-adapters = []
            }
          }
          cluster.failure-detector.heartbeat-interval = 60s
        }
        """;

    // Events are never deleted, so an entity whose snapshot cannot be loaded is recovered from its whole stream. What
    // the journal has accepted is legal, whichever of two owners wrote it: nothing is filtered out of a replay.
    private const string Fixed = """
        akka {
          actor.provider = cluster
          loggers = ["ReplicationEngine.Actors.Hosting.AkkaLog, ReplicationEngine.Actors"]
          stdout-loglevel = OFF
          cluster.sharding.remember-entities = off
          cluster.sharding.passivate-idle-entity-after = off
          persistence.snapshot-store-plugin-fallback.snapshot-is-optional = on
          persistence.journal-plugin-fallback.replay-filter.mode = off
        }
        """;

    /// <summary>Returns the complete configuration.</summary>
    /// <param name="store">The store's plugins.</param>
    /// <param name="node">The settings of this process as a node of a cluster; null when it runs alone.</param>
    /// <param name="operators">The operator's HOCON text; null for none.</param>
    /// <exception cref="EngineConfigurationException">The operator's text or the environment is not valid
    /// HOCON.</exception>
    public static Config Compose(string store, ClusterNode? node, string? operators)
    {
        var config = Parse(Fixed, "the engine's configuration")
            .WithFallback(Parse(EntityMessageSerializer.Configuration, "the engine's messages"))
            .WithFallback(Parse(node is null ? Lone : ClusterConfiguration.Of(node), "the node's configuration"))
            .WithFallback(Parse(store, "the store's configuration"))
            .WithFallback(Parse(Environment(), "the environment variables AKKA__…"));
        if (!string.IsNullOrWhiteSpace(operators))
        {
            config = config.WithFallback(Parse(operators, "the given configuration"));
        }

        return config.WithFallback(Parse(Reference(), Resource));
    }

    /// <summary>Returns the engine's <c>akka.hocon</c>.</summary>
    public static string Reference()
    {
        using var stream = typeof(EngineConfiguration).Assembly.GetManifestResourceStream(Resource)
            ?? throw new InvalidOperationException($"The assembly lacks its resource '{Resource}'.");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }

    /// <summary>
    /// Returns the settings from environment variables: <c>AKKA__CLUSTER__SHARDING__RETRY_INTERVAL=1s</c> sets
    /// <c>akka.cluster.sharding.retry-interval</c>.
    /// </summary>
    private static string Environment()
    {
        var lines = new List<string>();
        foreach (DictionaryEntry variable in System.Environment.GetEnvironmentVariables())
        {
            if (variable is { Key: string name, Value: string value }
                && name.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase))
            {
                var path = name.ToLowerInvariant()
                    .Replace("__", ".", StringComparison.Ordinal).Replace('_', '-');
                lines.Add($"{path} = {value}");
            }
        }

        lines.Sort(StringComparer.Ordinal);
        return string.Join('\n', lines);
    }

    private static Config Parse(string text, string what)
    {
        try
        {
            return ConfigurationFactory.ParseString(text);
        }
        catch (Exception exception) when (exception is FormatException or ConfigurationException)
        {
            throw new EngineConfigurationException(
                $"Invalid HOCON: {what}. {exception.Message.ReplaceLineEndings(" ")}", exception);
        }
    }
}

/// <summary>The configuration of the actor system cannot be read or has an invalid value.</summary>
public sealed class EngineConfigurationException(string message, Exception? inner = null) : Exception(message, inner);
