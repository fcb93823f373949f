// The archive's directory contains a directory for each stream, and in it a file for each part:
//
//   <stream>/<first event>-<last event>-<random>.rpj
//
// <stream> is the persistence id, each character that is no ASCII letter, digit, '.', '_' or '-' as '_', at most 80 of
// them, then '-' and 16 hexadecimal digits of its SHA-256 (UTF-8). A file has the format of an export (see
// Replay/ExportFormat). It never changes, and it belongs to the journal whose table `archive` names it. A file that no
// row names is left from a failed attempt and may be deleted.
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>The sealed files of events that have left the journal. Safe for concurrent use.</summary>
internal sealed class ArchiveDirectory(string path)
{
    /// <summary>The name of the archive's directory next to a journal's file or in a data directory.</summary>
    public const string DirectoryName = "archive";

    private const int LongestName = 80;

    // Reading a stream from its first event reads a file several times, page by page.
    private readonly WeakReference<Cached> _last = new(new Cached("", []));

    /// <summary>The path of the directory.</summary>
    public string Path => path;

    /// <summary>Returns the archive of a journal that is a file.</summary>
    public static ArchiveDirectory Beside(string journal) => new(System.IO.Path.Combine(
        System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(journal))!, DirectoryName));

    /// <summary>Writes a part durably and reads it back to verify it.</summary>
    /// <param name="id">The id of the stream.</param>
    /// <param name="before">The end of the previous part.</param>
    /// <param name="events">The events that follow.</param>
    /// <returns>The part. No journal names its file yet.</returns>
    /// <exception cref="IOException">The file cannot be written.</exception>
    /// <exception cref="UnauthorizedAccessException">Access to the directory is denied.</exception>
    /// <exception cref="JournalCorruptException">The data read back differs from the data written.</exception>
    public ArchivePart Write(PersistenceId id, StreamHead before, IReadOnlyList<RecordedEvent> events)
    {
        var directory = NameOf(id);
        var whole = System.IO.Path.Combine(path, directory);
        Directory.CreateDirectory(whole);
        DirectoryDurability.Sync(System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(path))!);
        DirectoryDurability.Sync(path);
        var (first, last) = (events[0].Event, events[^1].Event);
        var name = string.Create(
            CultureInfo.InvariantCulture,
            $"{first.Sequence:d12}-{last.Sequence:d12}-{RandomNumberGenerator.GetHexString(8, lowercase: true)}.rpj");
        var commands = events.Where(recorded => recorded.Event.EndsCommand)
            .Select(recorded => recorded.Event.CommandId).ToList();
        var part = new ArchivePart(
            id, first.Sequence, last.Sequence, last.Hash, $"{directory}/{name}", CommandFilter.Of(commands));
        try
        {
            new JournalExport(new StreamPart(id, before, events), []).Write(
                FileOf(part), progress: null, CancellationToken.None);
            DirectoryDurability.Sync(whole);
            var read = Load(part);
            for (var i = 0; i < read.Count; i++)
            {
                if (!read[i].Record.AsSpan().SequenceEqual(events[i].Record))
                {
                    throw new JournalCorruptException(
                        id, first.Sequence + i, $"the archive's file {FileOf(part)} does not contain it");
                }
            }

            return part;
        }
        catch
        {
            Remove(part);
            throw;
        }
    }

    /// <summary>Deletes the file of a part that no journal names.</summary>
    public void Remove(ArchivePart part) => File.Delete(FileOf(part));

    /// <summary>Returns the file of a part.</summary>
    public string FileOf(ArchivePart part) => System.IO.Path.Combine(path, part.File);

    /// <summary>Whether the file of a part exists.</summary>
    public bool Holds(ArchivePart part) => File.Exists(FileOf(part));

    /// <summary>
    /// Returns the verified events of a part. A damaged file is treated like a missing one: once restored, it is read
    /// again.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The file is missing, damaged, or cannot be read.</exception>
    public IReadOnlyList<StoredEvent> Read(ArchivePart part)
    {
        try
        {
            return ReadSealed(part);
        }
        catch (JournalCorruptException exception)
        {
            throw new JournalUnavailableException(
                $"Events {part.First} to {part.Last} of {part.Id} are in the archive, in {FileOf(part)}, which is "
                + $"damaged: {exception.Damage}. Restore a sound copy of the file.",
                exception);
        }
    }

    /// <summary>Returns the verified events of a part.</summary>
    /// <exception cref="JournalCorruptException">The file is damaged or is not the one that was sealed.</exception>
    /// <exception cref="JournalUnavailableException">The file is missing or cannot be read.</exception>
    public IReadOnlyList<StoredEvent> ReadSealed(ArchivePart part)
    {
        if (_last.TryGetTarget(out var cached) && cached.File == part.File)
        {
            return cached.Events;
        }

        cached = new Cached(part.File, [.. Load(part).Select(recorded => recorded.Event)]);
        _last.SetTarget(cached);
        return cached.Events;
    }

    private List<RecordedEvent> Load(ArchivePart part)
    {
        var file = FileOf(part);
        try
        {
            using var journal = ExportedJournal.OpenWhole(file);
            var events = journal.Read(part.Id).ToList();
            if (events.Count != part.Count || events.Count != journal.EventCount)
            {
                throw new JournalCorruptException(
                    part.Id, part.First,
                    $"the archive's file {file} has other events than {part.First} to {part.Last}");
            }

            // The seal of the last event, which the journal holds, covers all events before it.
            var head = new StreamHead(part.First - 1, events[0].Event.Previous);
            head = events.Aggregate(head, (at, recorded) => EventChain.Verify(part.Id, at, recorded.Event));
            return head == part.Head ? events : throw new JournalCorruptException(
                part.Id, part.Last, $"the archive's file {file} is not the one that was sealed");
        }
        catch (Exception exception) when (exception is ExportDamagedException or ReplayRefusedException)
        {
            throw new JournalCorruptException(part.Id, part.First, exception.Message.TrimEnd('.'));
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new JournalUnavailableException(Missing(part, exception), exception);
        }
    }

    /// <summary>Returns the message for a part whose file cannot be read.</summary>
    public string Missing(ArchivePart part, Exception exception) =>
        $"Events {part.First} to {part.Last} of {part.Id} are in the archive, in {FileOf(part)}, which cannot be read: "
        + $"{exception.Message.TrimEnd('.')}. Restore the file.";

    private static string NameOf(PersistenceId id)
    {
        var text = id.ToString();
        var plain = string.Concat(text.Select(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-' ? c : '_')
            .Take(LongestName));
        return $"{plain}-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(text))[..8])}";
    }

    private sealed record Cached(string File, IReadOnlyList<StoredEvent> Events);
}
