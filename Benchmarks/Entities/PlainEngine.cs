using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using Akka.Persistence;
using ReplicationEngine.Actors.Hosting;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>
/// The peer: sharded persistent actors of plain Akka.NET under the same configuration and over the same journal plugin,
/// without an entity core. Each actor stores the bytes it receives and replies with their number.
/// </summary>
internal sealed class PlainEngine : IAsyncDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(60);

    private readonly ActorSystem _system;
    private readonly IEngineStore _store;
    private readonly IActorRef _region;

    private PlainEngine(ActorSystem system, IEngineStore store, IActorRef region) =>
        (_system, _store, _region) = (system, store, region);

    /// <summary>Starts a plain engine over a store, or over Akka's in-memory journal.</summary>
    public static PlainEngine Start(BenchStore place)
    {
        var store = place.Make();
        store.Open();
        var plugins = place.Kind == StoreKind.Memory
            ? "akka.persistence { journal.plugin = \"akka.persistence.journal.inmem\", snapshot-store.plugin = "
                + "\"akka.persistence.snapshot-store.inmem\" }"
            : store.Configuration;
        var setup = store.Setups.Aggregate(
            ActorSystemSetup.Create(
                BootstrapSetup.Create().WithConfig(EngineConfiguration.Compose(plugins, null, null))),
            (all, one) => all.And(one));
        var system = ActorSystem.Create("plain", setup);
        var cluster = Cluster.Get(system);
        cluster.Join(cluster.SelfAddress);
        var region = ClusterSharding.Get(system).Start(
            "plain", id => Props.Create<PlainEntity>(id), ClusterShardingSettings.Create(system),
            EntityAddress.Extractor(256));
        return new PlainEngine(system, store, region);
    }

    /// <summary>Sends questions to one entity, each after the reply to the one before.</summary>
    public async Task AskInTurnAsync(int entity, int asks, byte[] payload)
    {
        for (var i = 0; i < asks; i++)
        {
            await _region.Ask<long>(new ToEntity("plain", $"plain-{entity}", payload), s_longest);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _system.Terminate();
        _store.Close();
    }

    private sealed class PlainEntity(string id) : UntypedPersistentActor
    {
        private long _count;

        public override string PersistenceId { get; } = $"plain|vault|{id}";

        protected override void OnRecover(object message) => _count += message is byte[] ? 1 : 0;

        protected override void OnCommand(object message)
        {
            if (message is byte[] { Length: > 0 } payload)
            {
                Persist(payload, _ => Sender.Tell(++_count));
            }
            else
            {
                Sender.Tell(_count);
            }
        }
    }
}
