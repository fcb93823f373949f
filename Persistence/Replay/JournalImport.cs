using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>
/// Makes a new journal from a log, in the data directory of a service that is yet to be. The journal is there whole or
/// not at all.
/// </summary>
public static class JournalImport
{
    private const long ReportEvery = 8_192;

    /// <summary>Imports a whole log; a damaged one is refused.</summary>
    /// <param name="source">The log.</param>
    /// <param name="directory">The data directory; made when it is missing.</param>
    /// <param name="progress">Is told now and then.</param>
    /// <param name="cancellationToken">Gives up; nothing is left.</param>
    /// <returns>The number of events.</returns>
    /// <exception cref="ReplayRefusedException">The directory has a journal.</exception>
    /// <exception cref="ReplayException">An event cannot be read or does not fit its seal.</exception>
    /// <exception cref="JournalInUseException">Another import runs there.</exception>
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
    /// Imports of each stream what comes before its first damaged event, back to the end of a command; what is written
    /// next to the events is made again.
    /// </summary>
    /// <param name="source">The log, opened even though it is damaged.</param>
    /// <param name="directory">The data directory; made when it is missing.</param>
    /// <param name="replays">The entity types known.</param>
    /// <param name="explain">See <see cref="JournalVerification"/>: an event that no longer follows from its command is
    /// damaged.</param>
    /// <param name="progress">Is told now and then.</param>
    /// <param name="cancellationToken">Gives up; nothing is left.</param>
    /// <exception cref="ReplayRefusedException">The directory has a journal, or nothing is sound.</exception>
    /// <exception cref="JournalInUseException">Another import runs there.</exception>
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
            // The log is read twice: to be judged, and to be written.
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
