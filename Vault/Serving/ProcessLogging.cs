using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

namespace ReplicationEngine.Vault.Serving;

/// <summary>The logging of service and agent: one line per entry on stderr, with the time in UTC.</summary>
public static class ProcessLogging
{
    /// <summary>Returns a logger factory for a process that has no host of its own.</summary>
    public static ILoggerFactory Create() => LoggerFactory.Create(Configure);

    /// <summary>Applies the same configuration to a host.</summary>
    public static void Configure(ILoggingBuilder logging)
    {
        logging.ClearProviders();
        logging.AddSimpleConsole(options =>
        {
            options.SingleLine = true;
            options.UseUtcTimestamp = true;
            options.TimestampFormat = "yyyy-MM-ddTHH:mm:ss.fffZ ";
            options.ColorBehavior = Microsoft.Extensions.Logging.Console.LoggerColorBehavior.Disabled;
        });
        logging.AddFilter("Microsoft", LogLevel.Warning);

        // The process that runs the host prints the reason why the service cannot start, in one sentence; it must not
        // also be logged with a stack.
        logging.AddFilter("Microsoft.Extensions.Hosting.Internal.Host", LogLevel.Critical);
        logging.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            options => options.LogToStandardErrorThreshold = LogLevel.Trace);
    }
}
