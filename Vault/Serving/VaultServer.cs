using System.Net.Sockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.AspNetCore.Routing;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.DataPlane.DataDirectories;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Archives;
using ReplicationEngine.Persistence.ReadModels;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Vault.Access;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Api;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Effects;
using ReplicationEngine.Vault.Replicas;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Serving;

/// <summary>The vault service, from locking its data directory to the last sync.</summary>
public static partial class VaultServer
{
    /// <summary>Runs the service until it is cancelled.</summary>
    /// <exception cref="VaultRefusedException">The service cannot start; the message gives the reason and the
    /// remedy.</exception>
    /// <exception cref="DataDirectoryBusyException">Another process uses the data directory.</exception>
    /// <exception cref="IOException">The operating system refuses access to a file.</exception>
    public static async Task RunAsync(ServeOptions options, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(options);
        if (options.Problem is { } problem)
        {
            throw new VaultRefusedException(problem);
        }

        using var held = DataDirectoryLock.Take(options.Data, "service");
        try
        {
            await CheckAsync(options, cancellationToken);
            var token = ServiceTokenFile.Obtain(options.Data);
            await using var app = Build(options, token);
            Report(held, app.Logger);
            await StartAsync(app, cancellationToken);
            ServiceTokenFile.Leave(token, options, app.Logger);
            Report(app.Urls, held, app.Logger);
            await app.WaitForShutdownAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            // The service was cancelled before it served.
        }
        catch (JournalCorruptException e)
        {
            throw new VaultRefusedException(StartCheck.Sentence(options.Data, e), e);
        }
        catch (Exception e) when (e is JournalUnavailableException or JournalInUseException
            or ReplayRefusedException or EngineConfigurationException or EntityUnavailableException)
        {
            throw new VaultRefusedException(e.Message, e);
        }
        catch (Exception e) when (NotListening(e, options.Listen) is { } sentence)
        {
            throw new VaultRefusedException(sentence, e);
        }
    }

    private static void Report(DataDirectoryLock held, ILogger logger)
    {
        if (held.ClosedToOthers > 0)
        {
            Closed(logger, held.ClosedToOthers, held.Directory);
        }
    }

    private static void Report(IEnumerable<string> urls, DataDirectoryLock held, ILogger logger)
    {
        foreach (var url in urls)
        {
            Listening(logger, url, held.Directory);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning,
        Message = "{Count} files and directories in {Directory} were accessible to other users; their permissions are "
            + "now restricted")]
    private static partial void Closed(ILogger logger, int count, string directory);

    [LoggerMessage(Level = LogLevel.Information,
        Message = "The service listens on {Address}; its data directory is {Directory}")]
    private static partial void Listening(ILogger logger, string address, string directory);

    private static async Task CheckAsync(ServeOptions options, CancellationToken cancellationToken)
    {
        if (options.Postgres is not { } connection)
        {
            StartCheck.Run(options.Data);
            return;
        }

        IReadOnlyDictionary<PersistenceId, long> ends;
        try
        {
            ends = await PostgresJournal.EndsAsync(connection, JournalFile.VmType, cancellationToken);
        }
        catch (ArgumentException e)
        {
            throw new VaultRefusedException(
                $"The connection string of --postgres cannot be read: {e.Message.ReplaceLineEndings(" ")}", e);
        }

        StartCheck.RunOnDatabase(options.Data, JournalFile.OfThisVault(ends));
    }

    private static async Task StartAsync(WebApplication app, CancellationToken cancellationToken)
    {
        try
        {
            await app.StartAsync(cancellationToken);
        }
        catch
        {
            // The parts that did start are stopped in order. Disposed while running, they would be reported as failed
            // too.
            await app.StopAsync(CancellationToken.None);
            throw;
        }
    }

    private static string? NotListening(Exception exception, Uri listen) => exception switch
    {
        IOException { InnerException: AddressInUseException } =>
            $"Another process listens on '{listen}'; stop it, or give this service another address with --listen.",
        SocketException e =>
            $"The service cannot listen on '{listen}' ({e.Message}); give it another address with --listen.",
        _ => null,
    };

    private static WebApplication Build(ServeOptions options, ApiToken token)
    {
        var builder = WebApplication.CreateSlimBuilder();
        ProcessLogging.Configure(builder.Logging);
        builder.WebHost.UseUrls(options.Listen.ToString());
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            Limit(kestrel.Limits);
            kestrel.AddServerHeader = false;
            var door = new ConnectionDoor(ConnectionDoor.MostOf(OpenFileLimit.Limit), TimeProvider.System);
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(next => connection =>
            {
                if (connection.Features.Get<IConnectionSocketFeature>()?.Socket is { } socket)
                {
                    LiveSockets.Apply(socket);
                }

                return door.ServeAsync(connection, next);
            }));
        });
        builder.Services.AddSingleton<IMemoryPoolFactory<byte>, LargeBlocks>();
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(20));
        builder.Services.Configure<JsonOptions>(json => ApiJson.Configure(json.SerializerOptions));
        AddVault(builder.Services, options);
        var app = builder.Build();
        app.UseExceptionHandler(ApiErrors.Handler);
        app.Use(new RequestGate(token, RequestGate.NamesOf(options)).AdmitAsync);
        app.MapVms();
        app.MapJobs();
        app.MapAgents();
        app.MapProjections();
        app.MapProbes();
        app.MapOpenApi();
        return app;
    }

    // Deadlines and limits on everything a stranger can hold open (S3, F20). The agents' streams have stricter ones of
    // their own (AgentDoor, AgentStreams) and so have connections without a request (ConnectionDoor); these leave room
    // above them.
    private static void Limit(KestrelServerLimits limits)
    {
        const long largestBody = 1 << 20;
        const int slowestBytesPerSecond = 240;
        limits.MaxRequestBodySize = largestBody;
        limits.MaxConcurrentConnections = 2 * AgentStreams.Most;
        limits.MaxConcurrentUpgradedConnections = AgentStreams.Most + AgentDoor.MostUnproven;
        limits.RequestHeadersTimeout = TimeSpan.FromSeconds(10);
        limits.KeepAliveTimeout = TimeSpan.FromSeconds(10);
        limits.MinRequestBodyDataRate = new MinDataRate(slowestBytesPerSecond, TimeSpan.FromSeconds(5));
        limits.MinResponseDataRate = new MinDataRate(slowestBytesPerSecond, TimeSpan.FromSeconds(5));
    }

    private static void AddVault(IServiceCollection services, ServeOptions options)
    {
        services.AddSingleton(TimeProvider.System);
        services.Configure<RouteHandlerOptions>(routes => routes.ThrowOnBadRequest = true);
        services.AddSingleton(options);
        services.AddSingleton(provider => new AgentBindings(
            options.Data, provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<AgentDoor>();
        services.AddSingleton<AgentStreams>();
        services.AddSingleton<AgentRegistry>();
        services.AddSingleton<IAgents>(provider => provider.GetRequiredService<AgentRegistry>());
        services.AddSingleton(provider =>
            new DiskServer(options.Data, null, provider.GetRequiredService<TimeProvider>(), acceptAtOnce: false));
        services.AddSingleton(provider => new TargetSite(
            options.Data, provider.GetRequiredService<DiskServer>(), provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILoggerFactory>()));
        services.AddSingleton<VmGates>();
        services.AddSingleton<ITargetSite>(provider => provider.GetRequiredService<TargetSite>());
        services.AddSingleton<ISourceSide>(provider => new SourceSide(
            provider.GetRequiredService<IAgents>(), provider.GetRequiredService<TargetSite>().KeyOf,
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new DiskRegister(
            provider.GetRequiredService<IAgents>(), provider.GetRequiredService<VmReadModel>().StatesAsync));
        services.AddSingleton<EffectRunner>();
        services.AddSingleton<ProtectedVms>();
        services.AddSingleton<VmReadModel>();
        services.AddSingleton(provider => new VmViews(
            provider.GetRequiredService<AgentRegistry>(), provider.GetRequiredService<TargetSite>(),
            provider.GetRequiredService<FactFinder>(),
            () => provider.GetRequiredService<IReplicationEngine>().Trouble.Current,
            provider.GetRequiredService<TimeProvider>()));
        var engine = services.AddReplicationEngine(engine =>
            {
                engine.AkkaConfiguration = options.AkkaConfiguration;
                engine.ArchiveAfter = options.ArchiveAfter;
            })
            .AddEntity<ProtectedVm, ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>(new ProtectedVmCodec())
            .AddEffectHandler<ProtectedVmCommand, ProtectedVmEffectHandler>()
            .AddProjection<ProtectedVmProjection>()
            .AddProjection<AuditProjection>();
        _ = options.Postgres is { } connection
            ? engine.UsePostgreSql(connection, Path.Combine(options.Data, JournalArchive.DirectoryName))
            : engine.UseSqlite(Path.Combine(options.Data, "journal.db"));
        services.AddSingleton<TargetReady>();
        services.AddSingleton<Readiness>();
        services.AddSingleton<FactFinder>();
        services.AddSingleton<OperationServices>();
        services.AddSingleton<DataStreamServices>();
        services.AddSingleton<TargetRestore>();
        services.AddHostedService(provider => provider.GetRequiredService<TargetRestore>());
        services.AddHostedService<FactPump>();
        services.AddHostedService<ClockWatch>();
        services.AddHostedService<MaintenanceLoop>();
    }
}
