using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>A journal and its archive, read as one log. Not thread-safe.</summary>
/// <param name="journal">The journal, which this object disposes.</param>
/// <param name="parts">The parts in the archive, grouped by stream and in order.</param>
/// <param name="archive">The archive's directory.</param>
/// <param name="inPlace">Whether archived events kept positions of the journal's feed, so that all events form one
/// feed. Otherwise the archived events come first, and positions are counted from 1.</param>
internal sealed class ArchivedJournal(
    RecordedJournal journal, IReadOnlyList<ArchivePart> parts, ArchiveDirectory archive, bool inPlace)
    : RecordedJournal(journal.Path)
{
    private readonly ILookup<PersistenceId, ArchivePart> _parts = parts.ToLookup(part => part.Id);

    /// <inheritdoc/>
    public override long EventCount => journal.EventCount + (inPlace ? 0 : parts.Sum(part => part.Count));

    /// <inheritdoc/>
    public override bool IsWhole => journal.IsWhole;

    /// <inheritdoc/>
    public override IReadOnlyList<PersistenceId> Streams =>
        [.. InOrder(journal.Streams.Concat(_parts.Select(stream => stream.Key)).Distinct())];

    /// <inheritdoc/>
    public override IReadOnlyList<RecordedSnapshot> Snapshots => journal.Snapshots;

    /// <inheritdoc/>
    public override StreamHead? DeclaredHead(PersistenceId id)
    {
        var archived = _parts[id].LastOrDefault()?.Head;
        return journal.DeclaredHead(id) is { } head && head.Sequence > (archived?.Sequence ?? 0) ? head : archived;
    }

    /// <inheritdoc/>
    public override IEnumerable<RecordedEvent> ReadAll() => Merged(journal.ReadAll());

    /// <inheritdoc/>
    public override IEnumerable<RecordedEvent> ReadWhatIsLeft(Action<JournalDamage> lost) =>
        Merged(journal.ReadWhatIsLeft(lost));

    /// <inheritdoc/>
    public override IEnumerable<RecordedEvent> Read(PersistenceId id)
    {
        // Positions of a single stream need not be consecutive, so those of the journal can stay as they are.
        var before = inPlace ? 0 : parts.Sum(part => part.Count);
        return Archived(_parts[id]).Concat(journal.Read(id).Select(
            recorded => recorded with { Position = new FeedPosition(recorded.Position.Value + before) }));
    }

    /// <inheritdoc/>
    public override void RequireWhole(PersistenceId id)
    {
        if (_parts[id].SelectMany(Check).FirstOrDefault() is { } damage)
        {
            throw new JournalCorruptException(Path, $"{damage.What.TrimEnd('.')}. Restore a sound copy of that file");
        }
    }

    /// <inheritdoc/>
    public override IReadOnlyDictionary<PersistenceId, long> Ends() => journal.Ends();

    /// <inheritdoc/>
    public override IEnumerable<JournalDamage> CheckStore() => parts.SelectMany(Check).Concat(journal.CheckStore());

    /// <inheritdoc/>
    public override IEnumerable<JournalDamage> CheckEnd() => journal.CheckEnd();

    /// <inheritdoc/>
    protected override void Dispose(bool disposing) => journal.Dispose();

    private IEnumerable<RecordedEvent> Merged(IEnumerable<RecordedEvent> live)
    {
        if (inPlace)
        {
            return ByPosition([.. _parts.Select(stream => Archived(stream)), live]);
        }

        var position = 0L;
        return ByPosition([.. _parts.Select(stream => Archived(stream))]).Concat(live)
            .Select(recorded => recorded with { Position = new FeedPosition(++position) });
    }

    private static IEnumerable<RecordedEvent> ByPosition(IReadOnlyList<IEnumerable<RecordedEvent>> sources)
    {
        var heads = new PriorityQueue<IEnumerator<RecordedEvent>, (long Position, int Source)>();
        var readers = sources.Select(source => source.GetEnumerator()).ToList();
        try
        {
            for (var i = 0; i < readers.Count; i++)
            {
                Queue(i);
            }

            while (heads.TryDequeue(out var reader, out var at))
            {
                yield return reader.Current;
                Queue(at.Source);
            }
        }
        finally
        {
            readers.ForEach(reader => reader.Dispose());
        }

        void Queue(int source)
        {
            if (readers[source].MoveNext())
            {
                heads.Enqueue(readers[source], (readers[source].Current.Position.Value, source));
            }
        }
    }

    // A file that cannot be opened leaves a gap; CheckStore reports why.
    private IEnumerable<RecordedEvent> Archived(IEnumerable<ArchivePart> stream)
    {
        foreach (var part in stream)
        {
            if (Open(part, out _) is not { } file)
            {
                continue;
            }

            using (file)
            {
                foreach (var recorded in file.Read(part.Id))
                {
                    yield return recorded;
                }
            }
        }
    }

    private IEnumerable<JournalDamage> Check(ArchivePart part)
    {
        if (Open(part, out var why) is not { } file)
        {
            return [new JournalDamage(DamageKind.File, part.Id, part.First, null, null, why!)];
        }

        using (file)
        {
            var events = file.Read(part.Id).Select(recorded => recorded.Event).ToList();
            var damages = file.Damages.Select(damage => damage with
            {
                What = $"in the archive's file {file.Path}: {damage.What}",
            }).ToList();
            if (events.LastOrDefault()?.Head != part.Head || file.EventCount != part.Count)
            {
                damages.Add(new JournalDamage(
                    DamageKind.File, part.Id, part.Last, null, null,
                    $"the archive's file {file.Path} is not the one that was sealed"));
            }
            else if (!CommandFilter.Of([.. events.Where(stored => stored.EndsCommand).Select(s => s.CommandId)])
                .AsSpan().SequenceEqual(part.Commands))
            {
                damages.Add(new JournalDamage(
                    DamageKind.Row, part.Id, part.First, null, null,
                    $"the row of the archive's file {file.Path} has a filter for other commands"));
            }

            return damages;
        }
    }

    private ExportedJournal? Open(ArchivePart part, out string? why)
    {
        try
        {
            why = null;
            return ExportedJournal.OpenAsItIs(archive.FileOf(part));
        }
        catch (Exception exception) when (exception is ExportDamagedException or ReplayRefusedException)
        {
            why = exception.Message.TrimEnd('.');
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            why = archive.Missing(part, exception).TrimEnd('.');
        }

        return null;
    }
}
