using System.Globalization;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// The configuration of Akka.Persistence.Sql for tables created by a store of the engine, with an archive.
/// </summary>
internal static class SqlPlugins
{
    /// <summary>Returns the configuration of the plugins, including the serializer of their records.</summary>
    /// <param name="writers">The number of batches written concurrently.</param>
    /// <param name="journal">The class of the journal.</param>
    /// <param name="adapters">The event adapters of the journal.</param>
    public static string Configuration(int writers, Type journal, string adapters = "") => $$"""
        {{StoredRecordSerializer.Configuration}}
        akka.persistence {
          journal.plugin = "akka.persistence.journal.sql"
          snapshot-store.plugin = "akka.persistence.snapshot-store.sql"
          journal.sql {
            class = "{{journal.FullName}}, ReplicationEngine.Persistence"
            auto-initialize = off
            parallelism = {{writers.ToString(CultureInfo.InvariantCulture)}}
            tag-write-mode = Csv
            {{adapters}}
          }
          snapshot-store.sql {
            class = "Akka.Persistence.Sql.Snapshot.SqlSnapshotStore, Akka.Persistence.Sql"
            auto-initialize = off
          }
        }
        """;
}
