using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>How far a long look at a log is.</summary>
/// <param name="Events">Events dealt with.</param>
/// <param name="Of">Events in all.</param>
/// <param name="Damages">What was found wrong so far.</param>
public readonly record struct ReplayProgress(long Events, long Of, int Damages);

/// <summary>What was found of one stream.</summary>
/// <param name="Id">The stream.</param>
/// <param name="Events">Its events.</param>
/// <param name="FoldedTo">The last event that was judged as a step; behind it only seals were.</param>
/// <param name="SnapshotAt">The event of its snapshot, if it has one.</param>
/// <param name="First">The first damage, or null.</param>
public sealed record VerifiedStream(
    PersistenceId Id, long Events, long FoldedTo, long? SnapshotAt, JournalDamage? First);

/// <summary>What was found of a log.</summary>
/// <param name="Events">Events read.</param>
/// <param name="Streams">Each stream, in order.</param>
/// <param name="Damages">Everything that is wrong, up to <see cref="JournalVerification.MostDamages"/>.</param>
public sealed record VerifiedJournal(
    long Events, IReadOnlyList<VerifiedStream> Streams, IReadOnlyList<JournalDamage> Damages)
{
    /// <summary>Nothing is wrong.</summary>
    public bool IsSound => Damages.Count == 0;
}

/// <summary>
/// Reads a whole log once, in the order of the feed, and judges: the feed has no gaps; each stream has contiguous
/// numbers and right seals; each event decodes, is a legal step of the production fold, keeps the invariants, and
/// follows from its recorded command, decided again; a snapshot equals the state at its event, and with the tail gives
/// the state of the whole history; what stands next to the records agrees with them, and the tables are as they must
/// be. One state per stream is kept meanwhile.
/// </summary>
public sealed class JournalVerification
{
    /// <summary>No more damages than this are collected.</summary>
    public const int MostDamages = 1_000;

    private const long ReportEvery = 4_096;
    private readonly RecordedJournal _journal;
    private readonly EntityReplays _replays;
    private readonly bool _explain;
    private readonly List<JournalDamage> _damages = [];
    private readonly Dictionary<PersistenceId, StreamVerification> _streams = [];

    /// <summary>Prepares a run.</summary>
    /// <param name="journal">The log.</param>
    /// <param name="replays">The entity types known.</param>
    /// <param name="explain">
    /// Decide each recorded command again and judge whether this version of the engine comes to the same events; off
    /// for logs that an older version with other rules wrote.
    /// </param>
    public JournalVerification(RecordedJournal journal, EntityReplays replays, bool explain = true)
    {
        _journal = journal;
        _replays = replays;
        _explain = explain;
    }

    /// <summary>Runs.</summary>
    /// <param name="progress">Is told now and then.</param>
    /// <param name="cancellationToken">Ends the run.</param>
    public VerifiedJournal Run(Action<ReplayProgress>? progress, CancellationToken cancellationToken)
    {
        foreach (var snapshot in _journal.Snapshots)
        {
            Of(snapshot.Id).Expect(snapshot);
        }

        var (read, position) = (0L, 0L);
        try
        {
            foreach (var recorded in _journal.ReadAll())
            {
                cancellationToken.ThrowIfCancellationRequested();
                CheckPosition(recorded, position);
                position = recorded.Position.Value;
                Of(recorded.Id).Take(recorded);
                if (++read % ReportEvery == 0)
                {
                    progress?.Invoke(new ReplayProgress(read, _journal.EventCount, _damages.Count));
                }
            }
        }
        catch (JournalCorruptException exception)
        {
            Report(JournalDamage.Of(
                DamageKind.File, $"nothing after position {position} can be read: {exception.Message}"));
        }

        var streams = _journal.Streams.Concat(_streams.Keys).Distinct().ToList();
        foreach (var id in streams)
        {
            Of(id).End(_journal.DeclaredHead(id));
        }

        foreach (var damage in _journal.CheckStore())
        {
            Report(damage);
        }

        progress?.Invoke(new ReplayProgress(read, _journal.EventCount, _damages.Count));
        return new VerifiedJournal(read, [.. streams.Select(Of).Select(Result)], _damages);
    }

    private void CheckPosition(RecordedEvent recorded, long before)
    {
        var position = recorded.Position.Value;
        if (_journal.IsWhole ? position != before + 1 : position <= before)
        {
            Report(JournalDamage.At(
                DamageKind.Feed, recorded,
                position <= before ? $"it has position {position} in the feed, after {before}"
                : position == before + 2 ? $"the event before it in the feed, at position {before + 1}, is missing"
                : $"the events before it in the feed, at positions {before + 1} to {position - 1}, are missing"));
        }
    }

    private StreamVerification Of(PersistenceId id)
    {
        if (!_streams.TryGetValue(id, out var stream))
        {
            _streams.Add(id, stream = new StreamVerification(
                id, _journal.BeginsBehind(id), _replays.Find(id.Type), _explain, Report));
        }

        return stream;
    }

    private VerifiedStream Result(StreamVerification stream) => new(
        stream.Id, stream.Events, stream.FoldedTo, stream.SnapshotAt,
        _damages.FirstOrDefault(damage => damage.Stream == stream.Id));

    private void Report(JournalDamage damage)
    {
        if (_damages.Count < MostDamages)
        {
            _damages.Add(damage);
        }
    }
}
