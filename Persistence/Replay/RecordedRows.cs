using System.Data.Common;
using System.Globalization;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>Converts rows of a journal's tables, of any database, to the records of a log. Not thread-safe.</summary>
internal sealed class RecordedRows
{
    /// <summary>The columns of an event, after its position in the feed.</summary>
    public const string EventColumns =
        "persistence_id, sequence_number, manifest, message, tags, identifier, deleted";

    /// <summary>The query for all snapshots.</summary>
    public const string AllSnapshots =
        "SELECT persistence_id, sequence_number, snapshot, manifest, serializer_id FROM snapshot";

    private readonly Dictionary<string, PersistenceId> _ids = new(StringComparer.Ordinal);

    /// <summary>Reads a row of <see cref="EventColumns"/>, preceded by its position.</summary>
    public RecordedEvent Event(DbDataReader row)
    {
        var recorded = RecordedEvent.Read(
            row.GetInt64(0), IdOf(Text(row, 1)), row.GetInt64(2), Text(row, 3), Bytes(row, 4));
        var tag = recorded.Event.EndsCommand ? SqliteJournalSchema.TagOf(recorded.Event.CommandId) : "";
        if (recorded.IsReadable && Text(row, 5) is var tags && tags != tag)
        {
            recorded = recorded.With(DamageKind.Row, $"the tags of its row are '{tags}', but must be '{tag}'");
        }

        if (Number(row, 6) != SqliteJournalSchema.SerializerId)
        {
            recorded = recorded.With(
                DamageKind.Row,
                $"its row names the serializer {Number(row, 6)}, not {SqliteJournalSchema.SerializerId}");
        }

        return Number(row, 7) == 0 ? recorded : recorded.With(DamageKind.Row, "its row is marked as deleted");
    }

    /// <summary>Reads a row of <see cref="AllSnapshots"/>.</summary>
    public RecordedSnapshot Snapshot(DbDataReader row)
    {
        var snapshot = RecordedSnapshot.Read(IdOf(Text(row, 0)), row.GetInt64(1), Bytes(row, 2));
        var (name, serializer) = (Text(row, 3), Number(row, 4));
        return name == StoredRecordForm.SnapshotName && serializer == SqliteJournalSchema.SerializerId
            ? snapshot : snapshot.With($"its snapshot's row names the form '{name}' of serializer {serializer}");
    }

    /// <summary>Parses an id's text. An invalid text gives an id that no other text gives and no entity has.</summary>
    public PersistenceId IdOf(string text)
    {
        if (!_ids.TryGetValue(text, out var id))
        {
            id = text.Split('|', 3) is [var type, var vault, var entity]
                ? new PersistenceId(type, new VaultId(vault), entity) : new PersistenceId(text, new VaultId(""), "");
            _ids.Add(text, id);
        }

        return id;
    }

    /// <summary>Returns the text from which an id was parsed.</summary>
    public string TextOf(PersistenceId id) =>
        _ids.FirstOrDefault(known => known.Value == id) is { Key: { } text } ? text : id.ToString();

    /// <summary>Returns a text column; empty when it is null.</summary>
    public static string Text(DbDataReader row, int column) => row.IsDBNull(column) ? "" : row.GetString(column);

    // Integers and booleans have other types in other databases.
    private static long? Number(DbDataReader row, int column) =>
        row.IsDBNull(column) ? null : Convert.ToInt64(row.GetValue(column), CultureInfo.InvariantCulture);

    private static byte[] Bytes(DbDataReader row, int column) =>
        row.IsDBNull(column) ? [] : row.GetFieldValue<byte[]>(column);
}
