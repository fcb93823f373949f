using System.Text;
using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Configuration;
using Akka.Persistence;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit;
using AkkaPersistence = Akka.Persistence.Persistence;

namespace ReplicationEngine.Tests.Persistence.Conformance;

/// <summary>What can be done to an event behind the store's back.</summary>
public enum Damage
{
    Payload,
    Name,
    Actor,
    Time,
    Command,
    Removed,
    Swapped,
}

/// <summary>A store under test, used through its plugins in an actor system, with the means to reopen and to damage
/// it.</summary>
internal abstract class StoreHarness : IAsyncDisposable
{
    public static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(240);

    private ActorSystem? _system;
    private IEngineStore? _store;

    /// <summary>Reads what is stored.</summary>
    public virtual IEventLog Log => Store.Log;

    /// <summary>The open store.</summary>
    public IEngineStore Store => _store ?? throw new InvalidOperationException("The store is closed.");

    public static PersistenceId Id(string entity = "one", string vault = "vault", string type = "counter") =>
        new(type, new VaultId(vault), entity);

    public static CommandId Command(int number) => new(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    /// <summary>The events of one command.</summary>
    public static StoredEvent[] Events(
        PersistenceId id, StreamHead head, int command, int events = 1, WakeMark wake = default, string? digest = null)
    {
        var steady = new SteadyInstant(Now, Now.AddSeconds(command));
        var recorded = new RecordedCommand("counter.command.v1", [(byte)command], digest, steady, wake);
        var stored = new StoredEvent[events];
        for (var i = 0; i < events; i++)
        {
            var payload = Encoding.UTF8.GetBytes($"{id.Entity}-{command}-{i + 1}");
            stored[i] = EventChain.Seal(
                head, new EncodedEvent("counter.added.v1", payload), Now.AddSeconds(command), "tester",
                Command(command), i == events - 1 ? recorded : null);
            head = stored[i].Head;
        }

        return stored;
    }

    /// <summary>All of an event as a text that can be compared.</summary>
    public static string Flat(StoredEvent stored) =>
        $"{stored.Sequence} {stored.Name} {Convert.ToHexString(stored.Payload)} {stored.Time.UtcTicks} {stored.Actor} "
        + $"{stored.CommandId} {stored.Previous} {stored.Hash} {stored.Command?.Name} "
        + $"{Convert.ToHexString(stored.Command?.Payload ?? [])} {stored.Command?.Digest} {stored.Command?.Steady} "
        + $"{stored.Command?.Wake}";

    // A write that takes long on a busy machine is no write that failed.
    private const string Patient = """
        akka.persistence.journal-plugin-fallback.circuit-breaker.call-timeout = 240s
        akka.persistence.snapshot-store-plugin-fallback.circuit-breaker.call-timeout = 240s
        """;

    /// <summary>Opens the store, and starts an actor system on its plugins.</summary>
    public StoreHarness Open()
    {
        _store = Make();
        _store.Open();
        var config = ConfigurationFactory.ParseString(Patient)
            .WithFallback(ConfigurationFactory.ParseString(_store.Configuration))
            .WithFallback(ConfigurationFactory.ParseString("akka { loglevel = OFF, stdout-loglevel = OFF }"));
        _system = ActorSystem.Create("store", _store.Setups.Aggregate(
            ActorSystemSetup.Create(BootstrapSetup.Create().WithConfig(config)), (all, one) => all.And(one)));
        return this;
    }

    /// <summary>
    /// Waits until the feed shows all that is committed: a database holds it back while older transactions run, those
    /// of other tests included.
    /// </summary>
    public Task ShownAsync() => Eventually.HoldsAsync(async token =>
        (await Log.ReadPlacesAsync(FeedPosition.Start, 100_000, token)).Count
            >= await Log.CountFeedAsync(FeedPosition.Start, token));

    /// <summary>Ends the actor system and closes the store.</summary>
    public async Task CloseAsync()
    {
        if (_system is { } system)
        {
            await system.Terminate();
            Store.Close();
            (_system, _store) = (null, null);
        }
    }

    /// <summary>Closes and opens it, as a restart does.</summary>
    public async Task ReopenAsync()
    {
        await CloseAsync();
        Open();
    }

    /// <summary>The directory of the archive, where there is one.</summary>
    public virtual string Archive => throw new NotSupportedException("This store has no archive.");

    /// <summary>Runs SQL while the store is closed.</summary>
    public virtual Task ChangeAsync(string sql) => throw new NotSupportedException("This store has no SQL.");

    /// <summary>Changes what is stored.</summary>
    public abstract Task HarmAsync(PersistenceId id, long sequence, Damage damage);

    /// <summary>Has the journal plugin write the events of one command; answers why it did not.</summary>
    public virtual async Task<Exception?> WriteAsync(PersistenceId id, params StoredEvent[] events)
    {
        var done = new TaskCompletionSource<Exception?>(TaskCreationOptions.RunContinuationsAsynchronously);
        _system!.ActorOf(Props.Create<Writer>(id.ToString(), events, done));
        return await done.Task.WaitAsync(s_longest);
    }

    /// <summary>Writes events where the stream ends, and expects it to work.</summary>
    public async Task<StreamHead> AppendAsync(
        PersistenceId id, int command, int events = 1, WakeMark wake = default, string? digest = null)
    {
        var stored = Events(id, await HeadAsync(id), command, events, wake, digest);
        Assert.Null(await WriteAsync(id, stored));
        return stored[^1].Head;
    }

    /// <summary>Where a stream ends.</summary>
    public async Task<StreamHead> HeadAsync(PersistenceId id)
    {
        var slice = await Log.ReadStreamAsync(id, StreamHead.Start, 100_000, default);
        return slice.Events.Count == 0 ? StreamHead.Start : slice.Events[^1].Head;
    }

    /// <summary>What the plugins offer an actor that recovers: the snapshot, if there is one, and the events behind
    /// it.</summary>
    public async Task<IReadOnlyList<object>> RecoverAsync(PersistenceId id, bool withoutSnapshot = false)
    {
        var done = new TaskCompletionSource<IReadOnlyList<object>>(TaskCreationOptions.RunContinuationsAsynchronously);
        _system!.ActorOf(Props.Create<Reader>(id.ToString(), withoutSnapshot, done));
        return await done.Task.WaitAsync(s_longest);
    }

    /// <summary>Has the snapshot plugin keep a snapshot.</summary>
    public virtual async Task SaveAsync(PersistenceId id, EntitySnapshot snapshot)
    {
        var plugin = AkkaPersistence.Instance.Apply(_system!).SnapshotStoreFor(null);
        var metadata = new SnapshotMetadata(id.ToString(), snapshot.Head.Sequence, DateTime.UnixEpoch);
        Assert.IsType<SaveSnapshotSuccess>(
            await plugin.Ask<object>(new SaveSnapshot(metadata, snapshot), s_longest));
    }

    public virtual async ValueTask DisposeAsync() => await CloseAsync();

    protected abstract IEngineStore Make();

    /// <summary>An event as the damage leaves it, where the damage lies in its record.</summary>
    protected async Task<StoredEvent> HarmedAsync(PersistenceId id, long sequence, Damage damage)
    {
        var stored = (await Log.ReadStreamAsync(id, StreamHead.Start, 1_000, default)).Events[(int)sequence - 1];
        return damage switch
        {
            Damage.Payload => stored with { Payload = [0] },
            Damage.Actor => stored with { Actor = "somebody" },
            Damage.Time => stored with { Time = stored.Time.AddTicks(1) },
            Damage.Command => stored with { CommandId = Command(-1) },
            _ => stored,
        };
    }

    private sealed class Writer(string id, StoredEvent[] events, TaskCompletionSource<Exception?> done) : UntypedActor
    {
        protected override void PreStart()
        {
            var write = new AtomicWrite([.. events.Select(stored => (IPersistentRepresentation)new Persistent(
                stored, stored.Sequence, id, writerGuid: "writer"))]);
            AkkaPersistence.Instance.Apply(Context.System).JournalFor(null)
                .Tell(new WriteMessages([write], Self, 1));
        }

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case WriteMessageSuccess:
                    done.TrySetResult(null);
                    Context.Stop(Self);
                    break;
                case WriteMessageFailure failure:
                    done.TrySetResult(failure.Cause);
                    Context.Stop(Self);
                    break;
                case WriteMessageRejected rejected:
                    done.TrySetResult(rejected.Cause);
                    Context.Stop(Self);
                    break;
            }
        }
    }

    private sealed class Reader(string id, bool withoutSnapshot, TaskCompletionSource<IReadOnlyList<object>> done)
        : UntypedPersistentActor
    {
        private readonly List<object> _records = [];

        public override string PersistenceId => id;

        public override Recovery Recovery => withoutSnapshot
            ? new Recovery(SnapshotSelectionCriteria.None) : Recovery.Default;

        protected override void OnRecover(object message)
        {
            if (message is RecoveryCompleted)
            {
                done.SetResult(_records);
                Context.Stop(Self);
            }
            else
            {
                _records.Add(message is SnapshotOffer offer ? offer.Snapshot : message);
            }
        }

        protected override void OnCommand(object message)
        {
        }

        protected override void OnRecoveryFailure(Exception reason, object? message = null) =>
            done.SetException(reason);
    }
}
