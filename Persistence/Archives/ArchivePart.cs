using System.Data.Common;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Persistence.Archives;

/// <summary>
/// A row of the table <c>archive</c>: a part of a stream that is in a file and no longer in the journal.
/// </summary>
/// <param name="Id">The id of the stream.</param>
/// <param name="First">The number of the first event in the file.</param>
/// <param name="Last">The number of the last event. The next part, or the journal, continues after it.</param>
/// <param name="Seal">The seal of the last event, which covers all events up to there.</param>
/// <param name="File">The file, relative to the archive's directory.</param>
/// <param name="Commands">The filter of the part's command ids; see <see cref="CommandFilter"/>.</param>
internal sealed record ArchivePart(
    PersistenceId Id, long First, long Last, ChainHash Seal, string File, byte[] Commands)
{
    /// <summary>The columns of a row, in the order in which <see cref="Read"/> reads them.</summary>
    public const string Columns = "persistence_id, first_event, last_event, seal, file, commands";

    /// <summary>The query for all parts of a stream, in order.</summary>
    public const string OfStream = $"SELECT {Columns} FROM archive WHERE persistence_id=@id ORDER BY first_event";

    /// <summary>The query for all parts, grouped by stream and in order.</summary>
    public const string All = $"SELECT {Columns} FROM archive ORDER BY persistence_id, first_event";

    /// <summary>The statement that adds a row.</summary>
    public const string Add =
        $"INSERT INTO archive ({Columns}) VALUES (@id, @first, @last, @seal, @file, @commands)";

    /// <summary>The number of events in the part.</summary>
    public long Count => Last - First + 1;

    /// <summary>The head of the stream after the part's last event.</summary>
    public StreamHead Head => new(Last, Seal);

    /// <summary>Reads a row of <see cref="Columns"/>.</summary>
    /// <exception cref="JournalCorruptException">The row has an invalid value.</exception>
    public static ArchivePart Read(DbDataReader row)
    {
        var text = RecordedRows.Text(row, 0);
        var seal = row.GetFieldValue<byte[]>(3);
        return PersistenceIdText.Read(text) is { } id && seal.Length == ChainHash.Length
            ? new ArchivePart(
                id, row.GetInt64(1), row.GetInt64(2), new ChainHash(seal), row.GetString(4),
                row.GetFieldValue<byte[]>(5))
            : throw new JournalCorruptException("archive", $"the part of '{text}' from event {row.GetInt64(1)} on");
    }
}
