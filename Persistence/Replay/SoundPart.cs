using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>What an import left out.</summary>
/// <param name="Stream">The stream; null where it cannot be told.</param>
/// <param name="From">The first event left out; null where what is left out is no event of a known stream.</param>
/// <param name="To">The last one that is known of.</param>
/// <param name="Reason">What is wrong there, as a part of a sentence.</param>
public sealed record LeftOut(PersistenceId? Stream, long? From, long? To, string Reason);

/// <summary>What came of an import of the sound part of a log.</summary>
/// <param name="Events">The events imported.</param>
/// <param name="Streams">The streams they belong to.</param>
/// <param name="LeftOut">Everything that was left out.</param>
public sealed record ImportedPart(long Events, int Streams, IReadOnlyList<LeftOut> LeftOut);

/// <summary>
/// The part of a damaged log that can be trusted: of each stream the events before the first damaged one, back to the
/// end of a command. For one thread.
/// </summary>
internal sealed class SoundPart(RecordedJournal source, EntityReplays replays, bool explain)
{
    private readonly Dictionary<PersistenceId, Stream> _streams = [];
    private readonly List<LeftOut> _leftOut = [];

    /// <summary>How many streams have sound events.</summary>
    public int Streams => _streams.Values.Count(stream => stream.SoundTo > 0);

    /// <summary>What is not part of it, once it was judged.</summary>
    public IReadOnlyList<LeftOut> LeftOut => _leftOut;

    /// <summary>Finds out what is sound.</summary>
    /// <param name="watched">Is put around the reading of the log.</param>
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

    /// <summary>The sound events in the order of the feed.</summary>
    public IEnumerable<RecordedEvent> Events()
    {
        var given = new Dictionary<PersistenceId, long>();
        foreach (var recorded in source.ReadWhatIsLeft(_ => { }))
        {
            // In the same order as they were judged in, so that of two with one number it is the same one.
            var next = given.GetValueOrDefault(recorded.Id) + 1;
            if (recorded.Event.Sequence == next && next <= _streams[recorded.Id].SoundTo)
            {
                given[recorded.Id] = next;
                yield return recorded;
            }
        }
    }

    /// <summary>The snapshots that fit the sound events.</summary>
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

    /// <summary>One stream while it is judged.</summary>
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

            // Entities of an unknown type are told of here; their seals can be judged all the same.
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

    /// <summary>Positions at which nothing can be read, told as ranges.</summary>
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
