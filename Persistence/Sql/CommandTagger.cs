using Akka.Persistence.Journal;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// Has the journal plugin write the command's id next to the last event of each command, where a unique index accepts
/// it once per stream (I19).
/// </summary>
internal sealed class CommandTagger : IWriteEventAdapter
{
    /// <summary>The configuration of a journal that uses this tagger.</summary>
    internal const string Configuration = """
        event-adapters.command-tagger = "ReplicationEngine.Persistence.Sql.CommandTagger, ReplicationEngine.Persistence"
        event-adapter-bindings {
          "ReplicationEngine.Actors.Journaling.StoredEvent, ReplicationEngine.Actors" = command-tagger
        }
        """;

    /// <inheritdoc/>
    public string Manifest(object evt) => "";

    /// <inheritdoc/>
    public object ToJournal(object evt) => evt is StoredEvent { EndsCommand: true } stored
        ? new Tagged(stored, [SqliteJournalSchema.TagTextOf(stored.CommandId)]) : evt;
}
