using System.Diagnostics.Metrics;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster.Sharding;
using Akka.Persistence.TestKit;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging.Abstractions;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.ActorSystem.Journaling;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

using CounterActor = EntityActor<Counter, CounterState, CounterCommand, CounterEvent>;
using CounterRegion = EntityRegion<Counter, CounterState, CounterCommand, CounterEvent>;

/// <summary>The whole engine, over the test kit's journal, in the actor system of Akka.TestKit.</summary>
public abstract class EngineTestKit : Akka.TestKit.Xunit2.TestKit, IAsyncLifetime
{
    // Machines that are busy are slow: what must come may take a minute.
    private const string Patience = "akka.test { single-expect-default = 60s, default-timeout = 60s }";

    private readonly KitStore _store;
    private ServiceProvider? _provider;

    protected EngineTestKit()
        : this(new KitStore())
    {
    }

    private EngineTestKit(KitStore store)
        : base(SetupOf(store))
    {
        _store = store;
        _store.ReadFrom(Sys);
        var persistence = Akka.Persistence.Persistence.Instance.Apply(Sys);
        JournalActor = persistence.JournalFor(null);
        Journal = TestJournal.FromRef(JournalActor);
        Snapshots = TestSnapshotStore.FromRef(persistence.SnapshotStoreFor(null));
    }

    protected IActorRef JournalActor { get; }

    /// <summary>What the journal does, to be set.</summary>
    protected ITestJournal Journal { get; }

    /// <summary>What the snapshot store does, to be set.</summary>
    protected ITestSnapshotStore Snapshots { get; }

    private protected KitStore Store => _store;

    private protected EngineServices Services => _provider!.GetRequiredService<EngineServices>();

    /// <summary>Makes the engine's instruments, and nobody else's.</summary>
    private protected IMeterFactory Meters => _provider!.GetRequiredService<IMeterFactory>();

    private protected CounterRegion Region => (CounterRegion)_provider!.GetServices<IEntityRegion>().Single();

    /// <summary>Where letters to entities go.</summary>
    protected IActorRef Shards => ClusterSharding.Get(Sys).ShardRegion(Counter.TypeName);

    /// <summary>A codec of the test's own, options and effects.</summary>
    private protected virtual void Build(ReplicationEngineOptions options)
    {
        // The defaults do.
    }

    private protected virtual IEffectHandler<CounterCommand>? Effects => null;

    private protected virtual IEntityCodec<CounterState, CounterCommand, CounterEvent> Codec => new CounterCodec();

    public async Task InitializeAsync()
    {
        var services = new ServiceCollection();
        services.AddSingleton<IEngineStore>(_store);
        if (Effects is { } effects)
        {
            services.AddSingleton(effects);
        }

        services.AddReplicationEngine(Build)
            .AddEntity<Counter, CounterState, CounterCommand, CounterEvent>(Codec)
            .UseActorSystem(_ => Sys);
        _provider = services.BuildServiceProvider();
        await _provider.GetRequiredService<EngineHost>().StartAsync(default);
    }

    public async Task DisposeAsync()
    {
        await Journal.OnWrite.Pass();
        await Journal.OnRecovery.Pass();
        await _provider!.GetRequiredService<EngineHost>().StopAsync(default).WaitAsync(TimeSpan.FromSeconds(120));
        await _provider!.DisposeAsync();
    }

    private protected static PersistenceId IdOf(string name) => new(Counter.TypeName, new VaultId("vault"), name);

    private protected static CommandId Command(int number) => new(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    /// <summary>The letter with a command, on its way to the region.</summary>
    private protected static object Letter(string name, int number, CounterCommand command) => new ToEntity(
        Counter.TypeName,
        EntityAddress.Of(IdOf(name)), Told(number, command));

    private protected static TellCommand<CounterCommand> Told(int number, CounterCommand command) =>
        new(new CommandEnvelope<CounterCommand>(Command(number), "me", command));

    private protected IEntityHandle<CounterState, CounterCommand, CounterEvent> Entity(string name) =>
        Region.Get(new VaultId("vault"), name);

    /// <summary>Sends a command, and again with the same id, until the answer is certain.</summary>
    private protected async Task<CommandReply> AskAsync(string name, int number, CounterCommand command)
    {
        using var limit = Eventually.Limit();
        while (true)
        {
            var reply = await Entity(name).AskAsync(command, Command(number), "me", limit.Token);
            if (reply is not CommandReply.Unavailable)
            {
                return reply;
            }
        }
    }

    /// <summary>The state, asked for until there is one.</summary>
    private protected async Task<EntityView<CounterState>> StateAsync(string name)
    {
        using var limit = Eventually.Limit();
        while (true)
        {
            try
            {
                return await Entity(name).StateAsync(limit.Token);
            }
            catch (EntityUnavailableException exception) when (exception.Reply is CommandReply.Unavailable)
            {
                continue;
            }
        }
    }

    /// <summary>
    /// Sends a command as one who does not repeat it, unless it found the entity's last actor gone and was taken by
    /// none.
    /// </summary>
    /// <returns>The answer, and which actor gave it.</returns>
    private protected async Task<(CommandReply Reply, IActorRef Actor)> TellAsync(
        string name, int number, CounterCommand command)
    {
        object answer = NotDelivered.Instance;
        while (answer is NotDelivered)
        {
            Shards.Tell(Letter(name, number, command), TestActor);
            answer = await ExpectMsgAsync<object>();
        }

        return (Assert.IsAssignableFrom<CommandReply>(answer), LastSender);
    }

    /// <summary>Has an entity's shard end its actor: the next letter goes to one that must recover it.</summary>
    private protected async Task EndAsync(string name)
    {
        Shards.Tell(new ToEntity(Counter.TypeName, EntityAddress.Of(IdOf(name)), ShowState.Instance), TestActor);
        await ExpectMsgAsync<EntityView<CounterState>>();
        var actor = LastSender;
        await WatchAsync(actor);
        actor.Tell(IdleTimedOut.Instance);
        await ExpectTerminatedAsync(actor);
    }

    /// <summary>An entity's actor whose parent the test is.</summary>
    private protected Props PropsOf(string name) => Props.Create<CounterActor>(Region, IdOf(name));

    private protected Task<IReadOnlyList<StoredEvent>> RecordsAsync(string name) =>
        _store.RecordsAsync(IdOf(name), default);

    private static ActorSystemSetup SetupOf(KitStore store) => ActorSystemSetup.Create(
        BootstrapSetup.Create().WithConfig(EngineConfiguration.Compose(store.Configuration, null, Patience)),
        new AkkaLogSetup(NullLogger.Instance));
}
