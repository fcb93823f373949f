using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Tests.Persistence.Conformance;

internal sealed class SqliteHarness : StoreHarness
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("journal-");

    public string File => Path.Combine(_directory.FullName, "journal.db");

    public override string Archive => Path.Combine(_directory.FullName, "archive");

    public override Task ChangeAsync(string sql) => ExecuteAsync(sql);

    public override async Task HarmAsync(PersistenceId id, long sequence, Damage damage)
    {
        var row = $"persistence_id='{id}' AND sequence_number=";
        var other = Convert.ToHexString(StoredRecordForm.Encode(await HarmedAsync(id, sequence, damage)));
        await ExecuteAsync(damage switch
        {
            Damage.Name => $"UPDATE journal SET manifest='counter.other.v1' WHERE {row}{sequence}",
            Damage.Removed => $"DELETE FROM journal WHERE {row}{sequence}",
            Damage.Swapped => $"""
                UPDATE journal SET sequence_number=-1 WHERE {row}{sequence};
                UPDATE journal SET sequence_number={sequence} WHERE {row}{sequence + 1};
                UPDATE journal SET sequence_number={sequence + 1} WHERE {row}-1;
                """,
            _ => $"UPDATE journal SET message=x'{other}' "
                + $"WHERE {row}{sequence}",
        });
    }

    /// <summary>Runs SQL on the closed file and opens the store again.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await CloseAsync();
        await ExecuteAsync(File, sql);
        Open();
    }

    /// <summary>Runs SQL on a file.</summary>
    public static async Task ExecuteAsync(string file, string sql)
    {
        await using var connection = new SqliteConnection($"Data Source={file};Pooling=False");
        await connection.OpenAsync();
        await using var command = connection.CreateCommand();
        command.CommandText = sql;
        await command.ExecuteNonQueryAsync();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    protected override IEngineStore Make() => new SqliteStore(File, TimeProvider.System);
}
