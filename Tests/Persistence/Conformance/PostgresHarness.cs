using Npgsql;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.TestKit;

namespace ReplicationEngine.Tests.Persistence.Conformance;

internal sealed class PostgresHarness(PostgresServer server) : StoreHarness
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("journal-");
    private string? _connection;

    public string Connection => _connection ??= server.NewDatabaseAsync().GetAwaiter().GetResult();

    public override async Task HarmAsync(PersistenceId id, long sequence, Damage damage)
    {
        var row = $"persistence_id='{id}' AND sequence_number=";
        var other = Convert.ToHexString(StoredRecordForm.Encode(await HarmedAsync(id, sequence, damage)));
        await ExecuteAsync(damage switch
        {
            Damage.Name => $"UPDATE journal SET manifest='counter.other.v1' WHERE {row}{sequence}",
            Damage.Removed => $"DELETE FROM journal WHERE {row}{sequence}",
            Damage.Swapped => $"UPDATE journal SET sequence_number=-1 WHERE {row}{sequence}; "
                + $"UPDATE journal SET sequence_number={sequence} WHERE {row}{sequence + 1}; "
                + $"UPDATE journal SET sequence_number={sequence + 1} WHERE {row}-1",
            _ => $"UPDATE journal SET message='\\x{other}' "
                + $"WHERE {row}{sequence}",
        });
    }

    /// <summary>Runs SQL on the database.</summary>
    public async Task ExecuteAsync(string sql)
    {
        await using var connection = new NpgsqlConnection(Connection);
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }

    public override string Archive => Path.Combine(_directory.FullName, "archive");

    public override async Task ChangeAsync(string sql)
    {
        await CloseAsync();
        await ExecuteAsync(sql);
        Open();
    }

    public override async ValueTask DisposeAsync()
    {
        await base.DisposeAsync();
        _directory.Delete(recursive: true);
    }

    protected override IEngineStore Make() => new PostgresStore(Connection, Archive, TimeProvider.System);
}
