using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The factory of an actor system that the embedder creates.</summary>
internal sealed record ActorSystemOfTheHost(Func<ActorSystemSetup, ActorSystem> Create);

/// <summary>Starts and stops the actor system, the store and the regions, and implements the engine's facade.</summary>
internal sealed class EngineHost(
    IEnumerable<IEntityRegion> regions, EngineServices services, ProjectionHost projections,
    ActorSystemOfTheHost? ofTheHost = null)
    : IHostedService, IReplicationEngine
{
    private const int EventsPerRead = 1_000;
    private const string SystemName = "replication-engine";

    private readonly IEntityRegion[] _regions = [.. regions];
    private ActorSystem? _system;
    private bool _opened;

    /// <inheritdoc/>
    public JournalTrouble Trouble => services.Trouble;

    /// <inheritdoc/>
    public IReadModel ReadModel => projections;

    /// <inheritdoc/>
    public IEntitySet<TState, TCommand, TEvent> Entities<TState, TCommand, TEvent>()
        where TState : class
        where TCommand : class
        where TEvent : class =>
        _regions.OfType<IEntitySet<TState, TCommand, TEvent>>().FirstOrDefault()
        ?? throw new InvalidOperationException(
            $"No entity type with the state {typeof(TState).Name} is registered; call AddEntity for it.");

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeedEvent> FollowFeedAsync(
        FeedPosition after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var more = services.Pulse.Next();
            var events = await ReadFeedAsync(after, EventsPerRead, cancellationToken);
            foreach (var next in events)
            {
                yield return next;
                after = next.Position;
            }

            if (events.Count == 0)
            {
                await more.WaitAsync(cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        services.Store.Log.ReadFeedAsync(after, maxEvents, cancellationToken);

    /// <inheritdoc/>
    public Task StartAsync(CancellationToken cancellationToken)
    {
        services.Begin();
        services.Store.Open();
        _opened = true;
        var config = EngineConfiguration.Compose(services.Store.Configuration, services.Options.AkkaConfiguration);
        var setup = services.Store.Setups.Aggregate(
            ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config), new AkkaLogSetup(services.Logger)),
            (all, one) => all.And(one));
        _system = CreateSystem(setup);
        _system.ActorOf(Props.Create(() => new LostMessages()), "lost-letters");
        var cluster = Cluster.Get(_system);
        if (cluster.Settings.SeedNodes.IsEmpty)
        {
            cluster.Join(cluster.SelfAddress);
        }

        foreach (var region in _regions)
        {
            region.Start(_system);
        }

        StartOne(_system, Props.Create(() => new Reminders(services, _regions)), "reminders");
        if (services.Options.ArchiveAfter is { } after)
        {
            StartOne(_system, Props.Create(() => new Archivist(services, after)), "archivist");
        }

        projections.Start(_system);
        services.Logger.EngineStarted(string.Join(", ", _regions.Select(region => region.Type)));
        return Task.CompletedTask;
    }

    /// <summary>Starts a cluster singleton actor.</summary>
    private static void StartOne(ActorSystem system, Props props, string name) => system.ActorOf(
        ClusterSingletonManager.Props(props, PoisonPill.Instance, ClusterSingletonManagerSettings.Create(system)),
        name);

    /// <exception cref="EngineConfigurationException">The configuration has an invalid value.</exception>
    private ActorSystem CreateSystem(ActorSystemSetup setup)
    {
        try
        {
            return ofTheHost?.Create(setup) ?? ActorSystem.Create(SystemName, setup);
        }
        catch (Exception exception) when (exception is ArgumentException or FormatException or ConfigurationException)
        {
            throw new EngineConfigurationException(
                "The actor system rejects its configuration: "
                + $"{exception.Message.ReplaceLineEndings(" ").TrimEnd('.')}; correct it in the file given with "
                + "--config or in the environment variables AKKA__….",
                exception);
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        try
        {
            await services.EndAsync();
            foreach (var region in _regions.Reverse())
            {
                await region.StopAsync(cancellationToken);
            }

            await projections.StopAsync();
            if (_system is { } system && ofTheHost is null)
            {
                await system.Terminate().WaitAsync(cancellationToken);
            }

            // A move to the archive in progress is completed before the store is closed.
            await services.Archiving.WaitAsync(cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            services.Logger.EngineStopped();
        }
        finally
        {
            _system = null;
            if (_opened)
            {
                _opened = false;
                services.Store.Close();
            }
        }
    }
}
