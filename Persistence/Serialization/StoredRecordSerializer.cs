using Akka.Actor;
using Akka.Serialization;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Serialization;

/// <summary>
/// The Akka serializer of a journal's records. Reading never throws: a record that is damaged, or that a newer version
/// wrote, becomes an <see cref="UnreadableRecord"/>, and the entity decides how to react (I29).
/// </summary>
internal sealed class StoredRecordSerializer(ExtendedActorSystem system) : SerializerWithStringManifest(system)
{
    /// <summary>The configuration that binds the records to this serializer.</summary>
    internal const string Configuration = """
        akka.actor {
          serializers.stored-record =
            "ReplicationEngine.Persistence.Serialization.StoredRecordSerializer, ReplicationEngine.Persistence"
          serialization-bindings {
            "ReplicationEngine.Actors.Journaling.StoredEvent, ReplicationEngine.Actors" = stored-record
            "ReplicationEngine.Actors.Journaling.EntitySnapshot, ReplicationEngine.Actors" = stored-record
          }
        }
        """;

    /// <inheritdoc/>
    public override int Identifier => Sql.SqliteJournalSchema.SerializerId;

    /// <inheritdoc/>
    public override string Manifest(object o) => o switch
    {
        StoredEvent stored => stored.Name,
        EntitySnapshot => StoredRecordForm.SnapshotName,
        _ => throw new ArgumentException($"{o.GetType().Name} is not a journal record.", nameof(o)),
    };

    /// <inheritdoc/>
    public override byte[] ToBinary(object obj) => obj switch
    {
        StoredEvent stored => StoredRecordForm.Encode(stored),
        EntitySnapshot snapshot => StoredRecordForm.Encode(snapshot),
        _ => throw new ArgumentException($"{obj.GetType().Name} is not a journal record.", nameof(obj)),
    };

    /// <inheritdoc/>
    public override object FromBinary(byte[] bytes, string manifest)
    {
        try
        {
            return manifest == StoredRecordForm.SnapshotName
                ? StoredRecordForm.DecodeSnapshot(bytes) : StoredRecordForm.Decode(manifest, bytes);
        }
        catch (UnreadableEventException exception)
        {
            return new UnreadableRecord(manifest, $"cannot be read: {exception.Message.TrimEnd('.')}");
        }
    }
}
