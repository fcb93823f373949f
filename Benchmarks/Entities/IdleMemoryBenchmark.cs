namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>The memory that an idle entity takes while it is loaded. Limit: 8 KiB.</summary>
public static class IdleMemoryBenchmark
{
    private const int Entities = 1_000;
    private const int EventsEach = 20;
    private const int Rounds = 5;
    private const double LimitBytes = 8 * 1024;

    /// <summary>Measures, writes a line, and returns 0 when the limit is kept.</summary>
    public static int Run(TextWriter output) => RunAsync(output).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(TextWriter output)
    {
        var (ours, plain) = (new double[Rounds], new double[Rounds]);
        await BenchStore.UseAsync(StoreKind.Sqlite, async store =>
        {
            await using (var engine = await MeterEngine.StartAsync(store))
            {
                await Task.WhenAll(Enumerable.Range(0, Entities)
                    .Select(number => engine.AskInTurnAsync(number, EventsEach, new byte[300])));
            }

            await using (var engine = PlainEngine.Start(store))
            {
                await Task.WhenAll(Enumerable.Range(0, Entities)
                    .Select(number => engine.AskInTurnAsync(number, EventsEach, new byte[300])));
            }

            for (var round = 0; round < Rounds; round++)
            {
                await using (var engine = await MeterEngine.StartAsync(store))
                {
                    ours[round] = await MeasureAsync(async number => await engine[number].StateAsync(default));
                }

                await using var peer = PlainEngine.Start(store);
                plain[round] = await MeasureAsync(number => peer.AskInTurnAsync(number, 1, []));
            }

            return 0.0;
        });
        var median = ours.Order().ElementAt(Rounds / 2);
        output.WriteLine(
            $"idle active entity: {median:F0} bytes (limit {LimitBytes:F0}); of plain Akka.NET "
            + $"{plain.Order().ElementAt(Rounds / 2):F0} bytes");
        return median <= LimitBytes ? 0 : 1;
    }

    private static async Task<double> MeasureAsync(Func<int, Task> ask)
    {
        await ask(Entities);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var number = 0; number < Entities; number++)
        {
            await ask(number);
        }

        var after = GC.GetTotalMemory(forceFullCollection: true);
        return (after - before) / (double)Entities;
    }
}
