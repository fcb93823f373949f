using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Dispatch;
using Akka.Event;
using Microsoft.Extensions.Logging;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Passes the host's logger to <see cref="AkkaLog"/>.</summary>
internal sealed class AkkaLogSetup(ILogger logger) : Setup
{
    public ILogger Logger => logger;
}

/// <summary>Writes the actor system's log messages to the host's log.</summary>
internal sealed partial class AkkaLog : UntypedActor, IRequiresMessageQueue<ILoggerMessageQueueSemantics>
{
    private readonly ILogger? _logger = Context.System.Settings.Setup.Get<AkkaLogSetup>() is { HasValue: true } setup
        ? setup.Value.Logger : null;

    /// <inheritdoc/>
    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case InitializeLogger:
                Sender.Tell(new LoggerInitialized());
                break;
            case LogEvent said when _logger is { } logger:
                Say(logger, said);
                break;
        }
    }

    private static void Say(ILogger logger, LogEvent said)
    {
        var level = LevelOf(said);
        if (logger.IsEnabled(level))
        {
            Say(logger, level, said.LogSource, said.Message, said.Cause);
        }
    }

    [LoggerMessage(EventId = 100, Message = "{Source}: {Text}")]
    private static partial void Say(
        ILogger logger, Microsoft.Extensions.Logging.LogLevel level, string source, object? text, Exception? cause);

    // What Akka says of connections and of members that it cannot reach, again and again, MembershipLog says once.
    private static bool IsSaidOnce(LogEvent said) =>
        said is Warning or Error && IsOfConnections(said.LogSource)
        || said is Warning && (said.LogSource.Contains("/system/sharding/", StringComparison.Ordinal)
            || said.LogSource.EndsWith("/system/cluster/core/daemon", StringComparison.Ordinal));

    private static bool IsOfConnections(string source) =>
        source.StartsWith("remoting", StringComparison.Ordinal)
        || source.Contains("/system/endpointManager", StringComparison.Ordinal);

    private static Microsoft.Extensions.Logging.LogLevel LevelOf(LogEvent said) => said switch
    {
        _ when IsSaidOnce(said) => Microsoft.Extensions.Logging.LogLevel.Debug,
        Error => Microsoft.Extensions.Logging.LogLevel.Error,
        Warning => Microsoft.Extensions.Logging.LogLevel.Warning,
        Info => Microsoft.Extensions.Logging.LogLevel.Information,
        _ => Microsoft.Extensions.Logging.LogLevel.Debug,
    };
}
