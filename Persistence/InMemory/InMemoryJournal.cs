using System.Runtime.InteropServices;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.InMemory;

/// <summary>
/// The journal in memory: for tests, benchmarks and trying things out. It keeps every rule of the contract but
/// outliving the process. Every call completes synchronously.
/// </summary>
internal sealed class InMemoryJournal(InMemoryLeases leases) : IEventJournal, IReminderIndex
{
    private readonly Lock _gate = new();
    private readonly Dictionary<PersistenceId, Stream> _streams = [];
    private readonly List<(Stream Stream, int Index)> _feed = [];

    /// <inheritdoc/>
    public ValueTask<AppendOutcome> AppendAsync(AppendRequest request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new ValueTask<AppendOutcome>(Append(request));
        }
    }

    /// <inheritdoc/>
    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        StoredEvent[] events;
        StreamHead stored;
        lock (_gate)
        {
            var stream = _streams.GetValueOrDefault(id);
            stored = stream?.Head ?? StreamHead.Start;
            var available = stored.Sequence - after.Sequence;
            var count = (int)Math.Clamp(available, 0, maxEvents);
            events = count == 0
                ? []
                : CollectionsMarshal.AsSpan(stream!.Events).Slice((int)after.Sequence, count).ToArray();
        }

        return new ValueTask<StreamSlice>(StreamEnd.Check(id, after, events, stored));
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var events = new List<FeedEvent>();
        lock (_gate)
        {
            for (var at = after.Value; at < _feed.Count && events.Count < maxEvents; at++)
            {
                var (stream, index) = _feed[(int)at];
                events.Add(new FeedEvent(new FeedPosition(at + 1), stream.Id, stream.Events[index]));
            }
        }

        return new ValueTask<IReadOnlyList<FeedEvent>>(events);
    }

    /// <inheritdoc/>
    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new ValueTask<CommandRecord?>(_streams.GetValueOrDefault(id)?.Find(commandId));
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new ValueTask<IReadOnlyList<PersistenceId>>([.. Ordered(type).Select(stream => stream.Id)]);
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<WakeEntry>> ListWakesAsync(string type, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_gate)
        {
            return new ValueTask<IReadOnlyList<WakeEntry>>([
                .. Ordered(type)
                    .Where(stream => stream.Wake != WakeMark.None)
                    .Select(stream => new WakeEntry(stream.Id, stream.Wake))]);
        }
    }

    /// <summary>The stored events themselves, so that a test can damage them.</summary>
    internal List<StoredEvent> EventsOf(PersistenceId id) => _streams[id].Events;

    private AppendOutcome Append(AppendRequest request)
    {
        var epoch = leases.EpochOf(request.Token.Lease);
        if (epoch != request.Token.Epoch)
        {
            return new AppendOutcome.Fenced(epoch);
        }

        var known = _streams.TryGetValue(request.Id, out var stream);
        stream ??= new Stream(request.Id);
        if (stream.Find(request.CommandId) is { } duplicate)
        {
            return new AppendOutcome.Duplicate(duplicate);
        }

        if (stream.Head != request.Expected)
        {
            return new AppendOutcome.VersionConflict(stream.Head);
        }

        if (!known)
        {
            _streams.Add(request.Id, stream);
        }

        foreach (var stored in request.Events)
        {
            _feed.Add((stream, stream.Events.Count));
            stream.Events.Add(stored);
        }

        stream.Commands.Add(request.CommandId, (request.Expected.Sequence + 1, request.NewHead.Sequence));
        stream.Head = request.NewHead;
        stream.Wake = request.Wake;
        return new AppendOutcome.Appended(new FeedPosition(_feed.Count));
    }

    private IEnumerable<Stream> Ordered(string type) => _streams.Values
        .Where(stream => stream.Id.Type == type)
        .OrderBy(stream => stream.Id.Vault.Value, StringComparer.Ordinal)
        .ThenBy(stream => stream.Id.Entity, StringComparer.Ordinal);

    private sealed class Stream(PersistenceId id)
    {
        public PersistenceId Id => id;

        public List<StoredEvent> Events { get; } = [];

        public Dictionary<CommandId, (long First, long Last)> Commands { get; } = [];

        public StreamHead Head { get; set; }

        public WakeMark Wake { get; set; }

        public CommandRecord? Find(CommandId id) =>
            Commands.TryGetValue(id, out var found) ? new CommandRecord(id, found.First, found.Last) : null;
    }
}
