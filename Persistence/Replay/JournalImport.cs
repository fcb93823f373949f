using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Creates a new journal from a log, in the data directory of a future service. The journal is created completely or
/// not at all.
/// </summary>
public static class JournalImport
{
    private const long ReportEvery = 8_192;

    /// <summary>Imports a whole log. A damaged log is refused.</summary>
    /// <param name="source">The log.</param>
    /// <param name="directory">The data directory, created when it is missing.</param>
    /// <param name="progress">Called periodically with the progress.</param>
    /// <param name="cancellationToken">Cancels the import and leaves nothing behind.</param>
    /// <returns>The number of events.</returns>
    /// <exception cref="ReplayRefusedException">The directory already has a journal.</exception>
    /// <exception cref="ReplayException">An event cannot be read or does not match its seal.</exception>
    /// <exception cref="JournalInUseException">Another import is running in the directory.</exception>
    /// <exception cref="JournalUnavailableException">The file cannot be written.</exception>
    public static long Run(
        RecordedJournal source, string directory, Action<ReplayProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        var events = 0L;
        Make(directory, file => JournalFileWriter.Write(
            file,
            Watched(Sealed(source), done =>
            {
                events = done;
                Tell(progress, done, source.EventCount, cancellationToken);
            }),
            source.Snapshots));
        return events;
    }

    /// <summary>
    /// Imports the events of each stream that precede its first damaged event, back to the end of a command. The
    /// columns next to the events are recreated.
    /// </summary>
    /// <param name="source">The log, opened although it may be damaged.</param>
    /// <param name="directory">The data directory, created when it is missing.</param>
    /// <param name="replays">The known entity types.</param>
    /// <param name="explain">Whether to decide commands again; see <see cref="JournalVerification"/>. An event that no
    /// longer follows from its command counts as damaged.</param>
    /// <param name="progress">Called periodically with the progress.</param>
    /// <param name="cancellationToken">Cancels the import and leaves nothing behind.</param>
    /// <exception cref="ReplayRefusedException">The directory already has a journal, or no event is intact.</exception>
    /// <exception cref="JournalInUseException">Another import is running in the directory.</exception>
    /// <exception cref="JournalUnavailableException">The file cannot be written.</exception>
    public static ImportedPart RunSoundPart(
        RecordedJournal source, string directory, EntityReplays replays, bool explain,
        Action<ReplayProgress>? progress, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(source);
        ArgumentNullException.ThrowIfNull(replays);
        var part = new SoundPart(source, replays, explain);
        var (events, of) = (0L, 2 * source.EventCount);
        Make(directory, file =>
        {
            // The log is read twice: first to verify it, then to write the journal.
            part.Judge(left => Watched(left, done => Tell(progress, done, of, cancellationToken)));
            if (part.Streams == 0)
            {
                throw new ReplayRefusedException(
                    $"{source.Path} contains no sound event: "
                    + (part.LeftOut is [var first, ..] ? $"{first.Reason}." : "it is empty."));
            }

            JournalFileWriter.Write(
                file,
                Watched(part.Events(), done =>
                {
                    events = done;
                    Tell(progress, source.EventCount + done, of, cancellationToken);
                }),
                part.Snapshots());
        });
        return new ImportedPart(events, part.Streams, part.LeftOut);
    }

    private static void Make(string directory, Action<string> write)
    {
        var file = Path.Combine(directory, RecordedJournal.FileName);
        using (FileLock.Take(file))
        {
            if (File.Exists(file) || File.Exists(file + "-wal"))
            {
                throw new ReplayRefusedException($"{file} already exists; name a data directory without a journal.");
            }

            write(file);
        }
    }

    private static IEnumerable<RecordedEvent> Sealed(RecordedJournal source)
    {
        var heads = new Dictionary<PersistenceId, StreamHead>();
        foreach (var recorded in source.ReadAll())
        {
            if (SealCheck.Next(heads.GetValueOrDefault(recorded.Id), recorded) is { } broken)
            {
                throw new ReplayException(broken);
            }

            heads[recorded.Id] = recorded.Event.Head;
            yield return recorded;
        }

        foreach (var id in source.Streams)
        {
            if (source.DeclaredHead(id) is { } declared && declared.Sequence > heads.GetValueOrDefault(id).Sequence)
            {
                throw new ReplayException(new JournalDamage(
                    DamageKind.Sequence, id, heads.GetValueOrDefault(id).Sequence + 1, null, null, "it is missing"));
            }
        }
    }

    private static IEnumerable<RecordedEvent> Watched(IEnumerable<RecordedEvent> events, Action<long> tell)
    {
        var done = 0L;
        foreach (var recorded in events)
        {
            tell(++done);
            yield return recorded;
        }
    }

    private static void Tell(
        Action<ReplayProgress>? progress, long done, long of, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        if (done % ReportEvery == 0)
        {
            progress?.Invoke(new ReplayProgress(done, of, 0));
        }
    }
}
