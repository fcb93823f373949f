using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>A range of events that an import left out.</summary>
/// <param name="Stream">The stream; null when it cannot be determined.</param>
/// <param name="From">The first event left out; null when the range is not of a known stream.</param>
/// <param name="To">The last known event left out.</param>
/// <param name="Reason">The damage, as part of a sentence.</param>
public sealed record LeftOut(PersistenceId? Stream, long? From, long? To, string Reason);

/// <summary>The result of importing the intact part of a log.</summary>
/// <param name="Events">The number of events imported.</param>
/// <param name="Streams">The number of streams with imported events.</param>
/// <param name="LeftOut">The ranges that were left out.</param>
public sealed record ImportedPart(long Events, int Streams, IReadOnlyList<LeftOut> LeftOut);

/// <summary>
/// The intact part of a damaged log: the events of each stream before the first damaged one, back to the end of a
/// command. Not thread-safe.
/// </summary>
internal sealed class SoundPart(RecordedJournal source, EntityReplays replays, bool explain)
{
    private readonly Dictionary<PersistenceId, Stream> _streams = [];
    private readonly List<LeftOut> _leftOut = [];

    /// <summary>The number of streams with intact events.</summary>
    public int Streams => _streams.Values.Count(stream => stream.SoundTo > 0);

    /// <summary>The ranges that are not part of it, available after <see cref="Judge"/>.</summary>
    public IReadOnlyList<LeftOut> LeftOut => _leftOut;

    /// <summary>Determines the intact part.</summary>
    /// <param name="watched">Wraps the reading of the log, for example to report progress.</param>
    public void Judge(Func<IEnumerable<RecordedEvent>, IEnumerable<RecordedEvent>> watched)
    {
        var lost = new LostPositions();
        foreach (var recorded in watched(source.ReadWhatIsLeft(lost.Add)))
        {
            Of(recorded.Id).Take(recorded);
        }

        foreach (var id in source.Streams)
        {
            Of(id).End(source.DeclaredHead(id));
        }

        _leftOut.AddRange(_streams.Values.Where(stream => stream.Damage is not null)
            .OrderBy(stream => stream.Id.ToString(), StringComparer.Ordinal).Select(stream => stream.LeftOut()));
        _leftOut.AddRange(source.Snapshots.Where(snapshot => !Fits(snapshot)).Select(WithoutSnapshot));
        _leftOut.AddRange(lost.All());
        _leftOut.AddRange(source.CheckStore()
            .Where(damage => damage.Kind is DamageKind.File or DamageKind.Feed)
            .Select(damage => new LeftOut(damage.Stream, damage.Sequence, null, damage.What)));
    }

    /// <summary>Returns the intact events in the order of the feed.</summary>
    public IEnumerable<RecordedEvent> Events()
    {
        var given = new Dictionary<PersistenceId, long>();
        foreach (var recorded in source.ReadWhatIsLeft(_ => { }))
        {
            // The order is the same as during Judge, so that of two events with one number the same one is taken.
            var next = given.GetValueOrDefault(recorded.Id) + 1;
            if (recorded.Event.Sequence == next && next <= _streams[recorded.Id].SoundTo)
            {
                given[recorded.Id] = next;
                yield return recorded;
            }
        }
    }

    /// <summary>Returns the snapshots that match the intact events.</summary>
    public IEnumerable<RecordedSnapshot> Snapshots() => source.Snapshots.Where(Fits);

    private bool Fits(RecordedSnapshot snapshot) =>
        _streams.TryGetValue(snapshot.Id, out var stream) && stream.Holds(snapshot);

    private LeftOut WithoutSnapshot(RecordedSnapshot snapshot) => new(
        snapshot.Id, null, null, snapshot.Flaws is [var flaw, ..] ? flaw.What
            : $"its snapshot of event {snapshot.Sequence} does not match the imported events");

    private Stream Of(PersistenceId id)
    {
        if (!_streams.TryGetValue(id, out var stream))
        {
            _streams.Add(id, stream = new Stream(
                id, replays, explain, source.Snapshots.Where(snapshot => snapshot.Id == id)));
        }

        return stream;
    }

    /// <summary>The state of one stream during <see cref="Judge"/>.</summary>
    private sealed class Stream
    {
        private readonly StreamVerification _verification;
        private readonly HashSet<long> _wrongSnapshots = [];
        private long _seen;

        public Stream(
            PersistenceId id, EntityReplays replays, bool explain, IEnumerable<RecordedSnapshot> snapshots)
        {
            Id = id;
            _verification = new StreamVerification(id, StreamHead.Start, replays.Find(id.Type), explain, Note);
            foreach (var snapshot in snapshots)
            {
                _verification.Expect(snapshot);
            }

            // Entities of an unknown type are reported here; their seals can be verified all the same.
            Damage = null;
        }

        public PersistenceId Id { get; }

        public JournalDamage? Damage { get; private set; }

        public long SoundTo { get; private set; }

        public void Take(RecordedEvent recorded)
        {
            _seen = Math.Max(_seen, recorded.Event.Sequence);
            if (Damage is not null)
            {
                return;
            }

            _verification.Take(recorded);
            if (Damage is null && recorded.Event.EndsCommand)
            {
                SoundTo = recorded.Event.Sequence;
            }
        }

        public void End(StreamHead? declared)
        {
            _seen = Math.Max(_seen, declared?.Sequence ?? 0);
            if (Damage is null)
            {
                _verification.End(declared);
            }
        }

        public bool Holds(RecordedSnapshot snapshot) => snapshot.Sequence <= SoundTo
            && snapshot.Flaws.Count == 0 && !_wrongSnapshots.Contains(snapshot.Sequence);

        public LeftOut LeftOut() => new(Id, SoundTo + 1, Math.Max(_seen, SoundTo + 1), Damage!.ToString());

        private void Note(JournalDamage damage)
        {
            if (damage.Kind == DamageKind.Snapshot)
            {
                _wrongSnapshots.Add(damage.Sequence ?? 0);
            }
            else if (damage.Kind != DamageKind.Row)
            {
                Damage ??= damage;
            }
        }
    }

    /// <summary>Collects unreadable positions and reports them as ranges.</summary>
    private sealed class LostPositions
    {
        private readonly List<(long From, long To, string Reason)> _ranges = [];

        public void Add(JournalDamage damage)
        {
            var position = damage.Position ?? 0;
            if (_ranges is [.., var last] && last.To + 1 == position)
            {
                _ranges[^1] = last with { To = position };
            }
            else
            {
                _ranges.Add((position, position, damage.What));
            }
        }

        public IEnumerable<LeftOut> All() => _ranges.Select(range => new LeftOut(
            null, null, null, range.From == range.To ? range.Reason
                : $"{range.Reason}, and neither can those up to position {range.To}"));
    }
}
