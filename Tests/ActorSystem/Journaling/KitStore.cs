using Akka.Actor;
using Akka.Actor.Setup;
using Akka.Persistence;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Tests.ActorSystem.Journaling;

/// <summary>
/// The journal and the snapshots of Akka.Persistence.TestKit as the engine's store. They live and die with their actor
/// system, and refuse nothing: what keeps a sequence number or a command from being stored twice is the engine alone.
/// </summary>
internal sealed class KitStore : IEngineStore, IEventLog
{
    // The replay filter would hide a second record of a sequence number from the tests.
    private const string Plugins = """
        akka.persistence {
          journal.plugin = "akka.persistence.journal.test"
          snapshot-store.plugin = "akka.persistence.snapshot-store.test"
          journal.test {
            class = "Akka.Persistence.TestKit.TestJournal, Akka.Persistence.TestKit"
            plugin-dispatcher = "akka.actor.default-dispatcher"
            replay-filter.mode = off
          }
          snapshot-store.test {
            class = "Akka.Persistence.TestKit.TestSnapshotStore, Akka.Persistence.TestKit"
            plugin-dispatcher = "akka.actor.default-dispatcher"
          }
        }
        """;

    private Akka.Actor.ActorSystem? _system;
    private int _lookups;

    /// <inheritdoc/>
    public IEventLog Log => this;

    /// <inheritdoc/>
    public bool ShowsAtOnce => true;

    /// <inheritdoc/>
    public IDocumentStore Documents => throw new NotSupportedException("The test kit's journal keeps no documents.");

    /// <inheritdoc/>
    public string Configuration => StoredRecordSerializer.Configuration + "\n" + Plugins;

    /// <inheritdoc/>
    public IReadOnlyList<Setup> Setups => [];

    /// <summary>How often a command was looked up.</summary>
    public int Lookups => Volatile.Read(ref _lookups);

    /// <summary>The actor system whose journal is read.</summary>
    public void ReadFrom(Akka.Actor.ActorSystem system) => _system = system;

    /// <inheritdoc/>
    public void Open()
    {
        // The journal's actor starts with its system.
    }

    /// <inheritdoc/>
    public string? WhyFull() => null;

    /// <inheritdoc/>
    public void Close()
    {
        // It ends with its system.
    }

    /// <summary>Every record of a stream, as it lies in the journal: not verified.</summary>
    /// <exception cref="JournalUnavailableException">The journal fails to read it.</exception>
    public async Task<IReadOnlyList<StoredEvent>> RecordsAsync(PersistenceId id, CancellationToken cancellationToken)
    {
        var done = new TaskCompletionSource<IReadOnlyList<StoredEvent>>(
            TaskCreationOptions.RunContinuationsAsynchronously);
        _system!.ActorOf(Props.Create(() => new Reader(id.ToString(), done)));
        return await done.Task.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken)
    {
        var records = await RecordsAsync(id, cancellationToken);
        var events = records.Skip((int)after.Sequence).Take(maxEvents).ToList();
        EventChain.Verify(id, after, events);
        return new StreamSlice(events, after.Sequence + events.Count == records.Count);
    }

    /// <inheritdoc/>
    public async ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _lookups);
        var records = await RecordsAsync(id, cancellationToken);
        return records.Where(record => record.EndsCommand && record.CommandId == commandId)
            .Select(record => new CommandRecord(commandId, record.Sequence, record.Command!.Digest))
            .SingleOrDefault();
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The test kit's journal keeps no feed.");

    /// <inheritdoc/>
    public async ValueTask<StreamHead?> HeadAtAsync(
        PersistenceId id, long sequence, CancellationToken cancellationToken) => sequence == 0 ? StreamHead.Start
            : (await RecordsAsync(id, cancellationToken)).FirstOrDefault(record => record.Sequence == sequence)?.Head;

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedPlace>> ReadPlacesAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The test kit's journal keeps no feed.");

    /// <inheritdoc/>
    public bool MayBeArchived => false;

    /// <inheritdoc/>
    public ValueTask<long> ArchivedToAsync(PersistenceId id, CancellationToken cancellationToken) =>
        ValueTask.FromResult(0L);

    /// <inheritdoc/>
    public ValueTask<ArchivedEvents> ArchiveAsync(
        DateTimeOffset before, int atLeast, CancellationToken cancellationToken) =>
        ValueTask.FromResult(new ArchivedEvents(0, 0, []));

    /// <inheritdoc/>
    public ValueTask<FeedPosition> FeedEndAsync(CancellationToken cancellationToken) =>
        throw new NotSupportedException("The test kit's journal keeps no feed.");

    /// <inheritdoc/>
    public ValueTask<long> CountFeedAsync(FeedPosition after, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The test kit's journal keeps no feed.");

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        throw new NotSupportedException("The test kit's journal keeps no list.");

    // The engine asks when it starts, and then the journal is empty: it is younger than the engine.
    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<WakeEntry>>([]);

    private sealed class Reader : UntypedActor
    {
        private readonly List<StoredEvent> _records = [];
        private readonly string _id;
        private readonly TaskCompletionSource<IReadOnlyList<StoredEvent>> _done;

        public Reader(string id, TaskCompletionSource<IReadOnlyList<StoredEvent>> done) => (_id, _done) = (id, done);

        protected override void PreStart() => Akka.Persistence.Persistence.Instance.Apply(Context.System)
            .JournalFor(null).Tell(new ReplayMessages(1, long.MaxValue, long.MaxValue, _id, Self));

        protected override void OnReceive(object message)
        {
            switch (message)
            {
                case ReplayedMessage replayed:
                    _records.Add((StoredEvent)replayed.Persistent.Payload);
                    break;
                case RecoverySuccess:
                    _done.TrySetResult(_records);
                    Context.Stop(Self);
                    break;
                case ReplayMessagesFailure failure:
                    _done.TrySetException(new JournalUnavailableException("The journal fails.", failure.Cause));
                    Context.Stop(Self);
                    break;
                default:
                    Unhandled(message);
                    break;
            }
        }
    }
}
