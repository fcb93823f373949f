namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>What an idle entity costs while it is in memory. Limit: 8 KiB.</summary>
public static class IdleMemoryBenchmark
{
    private const int Entities = 1_000;
    private const int EventsEach = 20;
    private const int Rounds = 5;
    private const double LimitBytes = 8 * 1024;

    /// <summary>Measures, writes a line, and answers 0 when the limit is kept.</summary>
    public static int Run(TextWriter output) => RunAsync(output).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(TextWriter output)
    {
        var directory = Directory.CreateTempSubdirectory("bench-memory-");
        try
        {
            var path = Path.Combine(directory.FullName, "journal.db");
            await using (var engine = await MeterEngine.StartAsync(path))
            {
                await Task.WhenAll(Enumerable.Range(0, Entities)
                    .Select(number => engine.AskInTurnAsync(number, EventsEach, new byte[300])));
            }

            var results = new double[Rounds];
            for (var round = 0; round < Rounds; round++)
            {
                results[round] = await MeasureAsync(path);
            }

            var median = results.Order().ElementAt(Rounds / 2);
            output.WriteLine($"idle active entity: {median:F0} bytes (limit {LimitBytes:F0})");
            return median <= LimitBytes ? 0 : 1;
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static async Task<double> MeasureAsync(string path)
    {
        await using var engine = await MeterEngine.StartAsync(path);
        await engine[Entities].StateAsync(default);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var number = 0; number < Entities; number++)
        {
            await engine[number].StateAsync(default);
        }

        var after = GC.GetTotalMemory(forceFullCollection: true);
        return (after - before) / (double)Entities;
    }
}
