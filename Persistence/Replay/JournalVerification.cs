using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>The progress of a long operation on a log.</summary>
/// <param name="Events">The number of events processed.</param>
/// <param name="Of">The total number of events.</param>
/// <param name="Damages">The number of damages found so far.</param>
public readonly record struct ReplayProgress(long Events, long Of, int Damages);

/// <summary>The result of verifying one stream.</summary>
/// <param name="Id">The id of the stream.</param>
/// <param name="Events">The number of events in the stream.</param>
/// <param name="FoldedTo">The last event verified as a step. Of later events only the seals were verified.</param>
/// <param name="SnapshotAt">The event of the stream's snapshot; null when there is none.</param>
/// <param name="First">The first damage; null when there is none.</param>
public sealed record VerifiedStream(
    PersistenceId Id, long Events, long FoldedTo, long? SnapshotAt, JournalDamage? First);

/// <summary>The result of verifying a log.</summary>
/// <param name="Events">The number of events read.</param>
/// <param name="Streams">The streams, in order.</param>
/// <param name="Damages">All damage, up to <see cref="JournalVerification.MostDamages"/>.</param>
public sealed record VerifiedJournal(
    long Events, IReadOnlyList<VerifiedStream> Streams, IReadOnlyList<JournalDamage> Damages)
{
    /// <summary>Whether the log is undamaged.</summary>
    public bool IsSound => Damages.Count == 0;
}

/// <summary>
/// Verifies a whole log in one pass, in the order of the feed. The feed has no gaps; each stream has consecutive
/// numbers and correct seals; each event decodes, is a legal step of the production code, keeps the invariants, and
/// follows from its recorded command when decided again. A snapshot equals the state at its event, and with the later
/// events gives the state of the whole history. The columns next to the records match them, and the tables are as
/// required. One state per stream is kept in memory.
/// </summary>
public sealed class JournalVerification
{
    /// <summary>The maximum number of damages that are collected.</summary>
    public const int MostDamages = 1_000;

    private const long ReportEvery = 4_096;
    private readonly RecordedJournal _journal;
    private readonly EntityReplays _replays;
    private readonly bool _explain;
    private readonly List<JournalDamage> _damages = [];
    private readonly Dictionary<PersistenceId, StreamVerification> _streams = [];

    /// <summary>Prepares a verification.</summary>
    /// <param name="journal">The log.</param>
    /// <param name="replays">The known entity types.</param>
    /// <param name="explain">Whether to decide each recorded command again and compare the events. False for logs
    /// written by an older version with other rules.</param>
    public JournalVerification(RecordedJournal journal, EntityReplays replays, bool explain = true)
    {
        _journal = journal;
        _replays = replays;
        _explain = explain;
    }

    /// <summary>Runs the verification.</summary>
    /// <param name="progress">Called periodically with the progress.</param>
    /// <param name="cancellationToken">Cancels the verification.</param>
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
