// How events leave the journal, one part of a stream after another:
//
//   1  the events are read from the journal, and their seals are verified against the previous part
//   2  the file is written under another name, synced, renamed, its directory synced; then read again and compared
//   3  one transaction adds the row of the part and deletes the rows of the events
//
// A failure before 3 is committed leaves the journal as it was, and a file that no row names. A reader that misses an
// event in the journal after that finds the part's row.
using System.Data.Common;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>Moves old events into the archive's files.</summary>
internal sealed class JournalArchiver(SqlEventLog log, ArchiveDirectory archive)
{
    /// <summary>The maximum number of events in one file.</summary>
    public const int MostEvents = 10_000;

    // For each stream with a snapshot: the snapshot, and its first and last event.
    private const string Streams = """
        SELECT s.persistence_id, max(s.sequence_number),
          (SELECT min(sequence_number) FROM journal j WHERE j.persistence_id=s.persistence_id),
          (SELECT max(sequence_number) FROM journal j WHERE j.persistence_id=s.persistence_id)
        FROM snapshot s GROUP BY s.persistence_id
        """;

    private const string Events =
        $"SELECT ordering, {RecordedRows.EventColumns} FROM journal WHERE persistence_id=@id AND sequence_number<=@to "
        + "ORDER BY sequence_number LIMIT @most";

    private const string Delete =
        "DELETE FROM journal WHERE persistence_id=@id AND sequence_number>=@first AND sequence_number<=@last";

    /// <summary>
    /// Moves the events that were decided before a time and precede their stream's snapshot. A stream with fewer than
    /// <paramref name="atLeast"/> such events is left unchanged.
    /// </summary>
    /// <exception cref="JournalUnavailableException">The journal or the archive cannot be read or written
    /// now.</exception>
    public async ValueTask<ArchivedEvents> RunAsync(
        DateTimeOffset before, int atLeast, CancellationToken cancellationToken)
    {
        var streams = await log.ReadAsync(
            connection => RowsAsync(connection, Streams, Candidate, [], cancellationToken), cancellationToken);
        await RequireArchiveAsync(cancellationToken);
        var result = new ArchivedEvents(0, 0, []);
        foreach (var stream in streams.OfType<Stream>().Where(stream => stream.Most >= Math.Max(1, atLeast)))
        {
            try
            {
                while (await NextAsync(stream.Id, stream.To, before, atLeast, cancellationToken) is var (head, events)
                    && events.Count > 0)
                {
                    await MoveAsync(stream.Id, head, events, cancellationToken);
                    result = result with { Events = result.Events + events.Count, Files = result.Files + 1 };
                }
            }
            catch (JournalCorruptException exception)
            {
                // No damaged event is moved; the other streams are unaffected.
                result = result with { Left = [.. result.Left, exception.Message] };
            }
        }

        return result;
    }

    // If a part named by the journal is missing, nothing more is moved: the directory is a different one, or has lost
    // files.
    private async Task RequireArchiveAsync(CancellationToken cancellationToken)
    {
        var parts = await log.ReadAsync(
            connection => RowsAsync(connection, ArchivePart.All, ArchivePart.Read, [], cancellationToken),
            cancellationToken);
        if (parts.Find(part => !archive.Holds(part)) is { } missing)
        {
            throw new JournalUnavailableException(
                $"{archive.Path} is not the journal's archive, or {missing.File} is missing from it; nothing was "
                + "moved. Name the right directory, or restore the file.");
        }
    }

    private async ValueTask<(StreamHead Before, IReadOnlyList<RecordedEvent> Events)> NextAsync(
        PersistenceId id, long to, DateTimeOffset before, int atLeast, CancellationToken cancellationToken)
    {
        var (head, rows) = await log.ReadAsync(async connection =>
        {
            var parts = await RowsAsync(
                connection, ArchivePart.OfStream, ArchivePart.Read, [("@id", id.ToString())], cancellationToken);
            var reader = new RecordedRows();
            return (parts is [.., var last] ? last.Head : StreamHead.Start, await RowsAsync(
                connection, Events, reader.Event,
                [("@id", id.ToString()), ("@to", to), ("@most", (long)MostEvents)], cancellationToken));
        }, cancellationToken);
        var at = head;
        foreach (var recorded in rows.TakeWhile(recorded => recorded.Event.Time < before || !recorded.IsReadable))
        {
            at = recorded.Flaws is [var flaw, ..]
                ? throw new JournalCorruptException(id, recorded.Event.Sequence, flaw.What)
                : EventChain.Verify(id, at, recorded.Event);
        }

        var count = (int)(at.Sequence - head.Sequence);
        while (count > 0 && !rows[count - 1].Event.EndsCommand)
        {
            count--;
        }

        return (head, count >= Math.Clamp(atLeast, 1, MostEvents) ? rows[..count] : []);
    }

    private async Task MoveAsync(
        PersistenceId id, StreamHead before, IReadOnlyList<RecordedEvent> events, CancellationToken cancellationToken)
    {
        ArchivePart part;
        try
        {
            part = archive.Write(id, before, events);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new JournalUnavailableException(
                $"The archive {archive.Path} cannot be written: {exception.Message.TrimEnd('.')}.", exception);
        }

        log.NoteArchive();
        var committing = false;
        try
        {
            await log.WriteAsync(async connection =>
            {
                await using var transaction = await connection.BeginTransactionAsync(cancellationToken);
                await ExecuteAsync(
                    transaction, ArchivePart.Add,
                    ("@id", id.ToString()), ("@first", part.First), ("@last", part.Last),
                    ("@seal", Bytes(part.Seal)), ("@file", part.File), ("@commands", part.Commands));
                var deleted = await ExecuteAsync(
                    transaction, Delete, ("@id", id.ToString()), ("@first", part.First), ("@last", part.Last));
                if (deleted != events.Count)
                {
                    throw new JournalUnavailableException(
                        $"Events {part.First} to {part.Last} of {id} were moved to the archive by another process.");
                }

                committing = true;
                await transaction.CommitAsync(CancellationToken.None);
            }, cancellationToken);
        }
        catch when (!committing)
        {
            archive.Remove(part);
            throw;
        }
    }

    // The last command's events stay, so that the journal knows each stream and its end.
    private static Stream? Candidate(DbDataReader row) =>
        PersistenceIdText.Read(row.GetString(0)) is { } id && !row.IsDBNull(2)
            ? new Stream(id, row.GetInt64(2), Math.Min(row.GetInt64(1), row.GetInt64(3) - 1)) : null;

    private static byte[] Bytes(ChainHash seal)
    {
        var bytes = new byte[ChainHash.Length];
        seal.CopyTo(bytes);
        return bytes;
    }

    private static async Task<List<T>> RowsAsync<T>(
        DbConnection connection, string sql, Func<DbDataReader, T> read, (string, object)[] values,
        CancellationToken cancellationToken)
    {
        await using var command = SqlEventLog.Command(connection, sql, values);
        var found = new List<T>();
        await using var rows = await command.ExecuteReaderAsync(cancellationToken);
        while (await rows.ReadAsync(cancellationToken))
        {
            found.Add(read(rows));
        }

        return found;
    }

    private static async Task<int> ExecuteAsync(DbTransaction transaction, string sql, params (string, object)[] values)
    {
        await using var command = SqlEventLog.Command(transaction.Connection!, sql, values);
        command.Transaction = transaction;
        return await command.ExecuteNonQueryAsync();
    }

    private sealed record Stream(PersistenceId Id, long From, long To)
    {
        public long Most => To - From + 1;
    }
}
