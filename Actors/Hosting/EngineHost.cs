using System.Net.Sockets;
using System.Runtime.CompilerServices;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster.Tools.Singleton;
using Akka.Configuration;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The factory of an actor system that the embedder creates.</summary>
internal sealed record ActorSystemOfTheHost(Func<ActorSystemSetup, ActorSystem> Create);

/// <summary>Starts and stops the actor system, the store and the regions, and implements the engine's facade.</summary>
internal sealed class EngineHost(
    IEnumerable<IEntityRegion> regions, EngineServices services, ProjectionHost projections, ClusterView cluster,
    ActorSystemOfTheHost? ofTheHost = null)
    : IHostedService, IReplicationEngine
{
    private const int EventsPerRead = 1_000;
    private const string SystemName = "replication-engine";

    private readonly IEntityRegion[] _regions = [.. regions];
    private ActorSystem? _system;
    private Task _forming = Task.CompletedTask;
    private bool _opened;
    private bool _stopping;

    /// <inheritdoc/>
    public JournalTrouble Trouble => services.Trouble;

    /// <inheritdoc/>
    public IReadModel ReadModel => projections;

    /// <inheritdoc/>
    public IClusterView Cluster => cluster;

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
        _stopping = false;
        var node = services.Options.Node;
        if (node is null)
        {
            services.Store.Open();
        }
        else
        {
            services.SharedStore.OpenAlongside();
        }

        _opened = true;
        var config = EngineConfiguration.Compose(
            services.Store.Configuration, node, services.Options.AkkaConfiguration);
        var setup = services.Store.Setups.Aggregate(
            ActorSystemSetup.Create(
                BootstrapSetup.Create().WithConfig(config), new AkkaLogSetup(services.Logger),
                new EntityWireSetup(_regions.Select(region => region.Wire))),
            (all, one) => all.And(one));
        setup = node?.Tls is { } tls ? setup.And(tls.Setup(services)) : setup;
        var system = CreateSystem(setup, node);
        _system = system;
        system.ActorOf(Props.Create(() => new LostMessages()), "lost-letters");
        system.ActorOf(Props.Create(() => new MembershipLog(services)), "membership-log");
        if (node is null)
        {
            JoinAlone(system);
        }
        else
        {
            JoinOthers(system, node);
        }

        foreach (var region in _regions)
        {
            region.Start(system);
        }

        StartOne(Props.Create(() => new Reminders(services, _regions)), "reminders");
        if (services.Options.ArchiveAfter is { } after)
        {
            StartOne(Props.Create(() => new Archivist(services, after)), "archivist");
        }

        if (node is null)
        {
            projections.Start(system);
        }
        else
        {
            const string name = "projections";
            StartOne(Props.Create(() => new ProjectionKeeper(projections, services)), name);
            var anywhere = system.ActorOf(
                ClusterSingletonProxy.Props(
                    $"/user/{name}", ClusterSingletonProxySettings.Create(system).WithRole(ClusterNode.EntitiesRole)),
                "projections-anywhere");
            projections.Follow(new ProjectionsElsewhere(anywhere, services));
        }

        services.Logger.EngineStarted(string.Join(", ", _regions.Select(region => region.Type)));
        return Task.CompletedTask;
    }

    private void JoinAlone(ActorSystem system)
    {
        var alone = Akka.Cluster.Cluster.Get(system);
        if (alone.Settings.SeedNodes.IsEmpty)
        {
            alone.Join(alone.SelfAddress);
        }

        cluster.Open(alone, null);
    }

    private void JoinOthers(ActorSystem system, ClusterNode node)
    {
        var formation = new ClusterFormation(system, node, services.SharedStore, services);
        services.WhyWaiting = () => formation.Waiting;
        cluster.Open(Akka.Cluster.Cluster.Get(system), formation);
        _forming = formation.RunAsync(services.Ending);
        _ = system.WhenTerminated.ContinueWith(
            _ => Removed(), CancellationToken.None, TaskContinuationOptions.None, TaskScheduler.Default);
    }

    // The actor system of a node that the cluster has removed ends by itself.
    private void Removed()
    {
        if (!Volatile.Read(ref _stopping))
        {
            foreach (var region in _regions)
            {
                region.Close();
            }

            cluster.Remove();
        }
    }

    /// <summary>Starts an actor that runs once in the whole cluster, on one of the nodes that run entities.</summary>
    private void StartOne(Props props, string name)
    {
        if (services.Options.Node is { RunsEntities: false })
        {
            return;
        }

        var settings = ClusterSingletonManagerSettings.Create(_system);
        _system!.ActorOf(
            ClusterSingletonManager.Props(
                props, PoisonPill.Instance,
                services.Options.Node is null ? settings : settings.WithRole(ClusterNode.EntitiesRole)),
            name);
    }

    private static SocketException? SocketOf(Exception exception) =>
        exception as SocketException ?? (exception.InnerException is { } inner ? SocketOf(inner) : null);

    /// <exception cref="EngineConfigurationException">The configuration has an invalid value.</exception>
    private ActorSystem CreateSystem(ActorSystemSetup setup, ClusterNode? node)
    {
        try
        {
            return ofTheHost?.Create(setup) ?? ActorSystem.Create(SystemName, setup);
        }
        catch (Exception exception) when (node is not null && SocketOf(exception) is { } socket)
        {
            throw new EngineConfigurationException(
                $"The node cannot listen on {node.Address}: {socket.Message}; end the process that listens there, or "
                    + "give the node another address.",
                exception);
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
            Volatile.Write(ref _stopping, true);
            await services.EndAsync();
            await _forming.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            if (_system is { } leaving && services.Options.Node is not null)
            {
                await LeaveAsync(leaving, cancellationToken);
            }

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
            cluster.Close();
            if (_opened)
            {
                _opened = false;
                services.Store.Close();
            }
        }
    }
    /// <summary>
    /// Hands the entities over to the other nodes and leaves the cluster, so that no command fails. The last node has
    /// nobody to hand over to.
    /// </summary>
    private async Task LeaveAsync(ActorSystem system, CancellationToken cancellationToken)
    {
        await projections.StopAsync();
        await CoordinatedShutdown.Get(system).Run(CoordinatedShutdown.ClusterLeavingReason.Instance)
            .WaitAsync(cancellationToken);
    }
}
