using System.Globalization;
using ReplicationEngine.Persistence.Serialization;

namespace ReplicationEngine.Persistence.Sql;

/// <summary>
/// The configuration of Akka.Persistence.Sql over tables that a store of the engine has made, and an archive next to
/// them.
/// </summary>
internal static class SqlPlugins
{
    /// <summary>The plugins, with the serializer of their records.</summary>
    /// <param name="writers">How many batches are written at once.</param>
    /// <param name="journal">The class of the journal.</param>
    /// <param name="adapters">What its events pass through.</param>
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
