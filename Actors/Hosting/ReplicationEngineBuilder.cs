using Akka.Actor;
using Akka.Actor.Setup;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Configures the engine: entity types, store, projections. Returned by <c>AddReplicationEngine</c>.</summary>
public sealed class ReplicationEngineBuilder
{
    internal ReplicationEngineBuilder(IServiceCollection services) => Services = services;

    /// <summary>The service collection.</summary>
    public IServiceCollection Services { get; }

    /// <summary>
    /// Registers an entity type. Its effects go to the registered <see cref="IEffectHandler{TCommand}"/>.
    /// </summary>
    public ReplicationEngineBuilder AddEntity<TAggregate, TState, TCommand, TEvent>(
        IEntityCodec<TState, TCommand, TEvent> codec)
        where TAggregate : IAggregate<TState, TCommand, TEvent>
        where TState : class
        where TCommand : class
        where TEvent : class
    {
        Services.AddSingleton<IEntityRegion>(provider => new EntityRegion<TAggregate, TState, TCommand, TEvent>(
            codec,
            provider.GetRequiredService<EngineServices>(),
            provider.GetService<IEffectHandler<TCommand>>()));
        return this;
    }

    /// <summary>
    /// Runs the engine in an actor system that the embedder creates and the engine does not terminate, except that of a
    /// node that leaves its cluster.
    /// </summary>
    /// <param name="create">Creates the system when the engine starts, from the given bootstrap: the configuration that
    /// the engine and its store need. The embedder may add to it.</param>
    public ReplicationEngineBuilder UseActorSystem(Func<ActorSystemSetup, ActorSystem> create)
    {
        ArgumentNullException.ThrowIfNull(create);
        Services.AddSingleton(new ActorSystemOfTheHost(create));
        return this;
    }

    /// <summary>
    /// Registers a projection. Its documents are read through <see cref="IReplicationEngine.ReadModel"/>.
    /// </summary>
    public ReplicationEngineBuilder AddProjection<TProjection>()
        where TProjection : class, IProjection
    {
        Services.AddSingleton<IProjection, TProjection>();
        return this;
    }

    /// <summary>Registers the handler of effects for the entity type with these commands.</summary>
    public ReplicationEngineBuilder AddEffectHandler<TCommand, THandler>()
        where TCommand : class
        where THandler : class, IEffectHandler<TCommand>
    {
        Services.AddSingleton<IEffectHandler<TCommand>, THandler>();
        return this;
    }
}

/// <summary>Registers the engine with dependency injection.</summary>
public static class ReplicationEngineServiceCollectionExtensions
{
    /// <summary>
    /// Adds the engine: <see cref="IReplicationEngine"/> and the hosted service that runs it. Choose a store with
    /// <c>UseSqlite</c> or <c>UseInMemory</c>, and add entity types with <c>AddEntity</c>.
    /// </summary>
    public static ReplicationEngineBuilder AddReplicationEngine(
        this IServiceCollection services, Action<ReplicationEngineOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        var options = services.AddOptions<ReplicationEngineOptions>().ValidateOnStart();
        if (configure is not null)
        {
            options.Configure(configure);
        }

        services.AddLogging();
        services.AddMetrics();
        services.AddSingleton<IValidateOptions<ReplicationEngineOptions>, ReplicationEngineOptionsValidator>();
        services.TryAddSingleton(TimeProvider.System);
        services.AddSingleton<EngineTelemetry>();
        services.AddSingleton<EngineServices>();
        services.AddSingleton<ProjectionHost>();
        services.AddSingleton<ClusterView>();
        services.AddSingleton<EngineHost>();
        services.AddSingleton<IReplicationEngine>(provider => provider.GetRequiredService<EngineHost>());
        services.AddHostedService(provider => provider.GetRequiredService<EngineHost>());
        return new ReplicationEngineBuilder(services);
    }
}
