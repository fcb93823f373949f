using System.Diagnostics;
using System.Globalization;
using Npgsql;

namespace ReplicationEngine.Benchmarks.Journaling;

/// <summary>
/// The PostgreSQL server that <c>./bench</c> has started for the run, and the peer on it: pgbench, whose clients insert
/// the same bytes into one table, each insert in its own transaction.
/// </summary>
internal static class RawPostgres
{
    private const string Variable = "BENCH_POSTGRES";
    private static int s_databases;

    /// <summary>The directory of the server's socket; null when there is no server.</summary>
    public static string? Socket => Environment.GetEnvironmentVariable(Variable) is { Length: > 0 } path ? path : null;

    /// <summary>Makes an empty database, runs a measurement on it, and drops it.</summary>
    public static async Task<double> WithDatabaseAsync(Func<string, Task<double>> measure)
    {
        var name = string.Create(CultureInfo.InvariantCulture, $"bench{Interlocked.Increment(ref s_databases)}");
        await ExecuteAsync("postgres", $"CREATE DATABASE {name}");
        try
        {
            return await measure($"Host={Socket};Username=postgres;Database={name}");
        }
        finally
        {
            NpgsqlConnection.ClearAllPools();
            await ExecuteAsync("postgres", $"DROP DATABASE {name} WITH (FORCE)");
        }
    }

    /// <summary>Returns the inserts per second of a number of clients.</summary>
    public static Task<double> MeasureAsync(byte[] payload, int clients, int seconds) => WithDatabaseAsync(
        async connection =>
        {
            var database = new NpgsqlConnectionStringBuilder(connection).Database!;
            await ExecuteAsync(
                database,
                "CREATE TABLE events (position BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, payload BYTEA)");
            var script = Path.GetTempFileName();
            try
            {
                await File.WriteAllTextAsync(
                    script, $"INSERT INTO events (payload) VALUES ('\\x{Convert.ToHexString(payload)}');\n");
                return await PgbenchAsync(database, script, clients, seconds);
            }
            finally
            {
                File.Delete(script);
            }
        });

    private static async Task<double> PgbenchAsync(string database, string script, int clients, int seconds)
    {
        const string answer = "tps = ";
        using var process = Process.Start(new ProcessStartInfo(
            "pgbench",
            ["-h", Socket!, "-U", "postgres", "-n", "-M", "prepared", "-f", script, "-c", Text(clients), "-j", "2",
                "-T", Text(seconds), database])
        {
            RedirectStandardOutput = true, UseShellExecute = false,
        })!;
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        var line = output.Split('\n').LastOrDefault(line => line.StartsWith(answer, StringComparison.Ordinal))
            ?? throw new InvalidOperationException($"pgbench ended with {process.ExitCode} and no rate: {output}");
        return double.Parse(line[answer.Length..].Split(' ')[0], CultureInfo.InvariantCulture);
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task ExecuteAsync(string database, string sql)
    {
        await using var connection = new NpgsqlConnection(
            $"Host={Socket};Username=postgres;Database={database};Pooling=False");
        await connection.OpenAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        await command.ExecuteNonQueryAsync();
    }
}
