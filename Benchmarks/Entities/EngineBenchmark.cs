using System.Diagnostics;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Benchmarks.Journaling;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>
/// Commands through the engine, asked by sharding and made durable, against plain Akka.NET without an entity core over
/// the same journal plugin in the same minutes (target: at least 0.8 of it), and against raw SQLite inserts of the
/// same bytes. Then the events a second that one entity recovers, and the time from start to the first answer.
/// </summary>
public static class EngineBenchmark
{
    private const double Target = 0.8;
    private const int RawOneByOne = 1_000;
    private const int RawBatched = 40_000;

    private static readonly byte[] s_payload = new byte[300];

    /// <summary>Measures in interleaved rounds, writes medians and ratios, and answers 0 when the targets are
    /// met.</summary>
    public static int Run(TextWriter output, bool quick) => RunAsync(output, quick ? 3 : 5).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(TextWriter output, int rounds)
    {
        var good = true;
        foreach (var (entities, asks) in new[] { (1, 20_000), (32, 1_000), (1_000, 40) })
        {
            good &= await CompareAsync(output, rounds, $"in memory, {entities} busy", entities, asks, onDisk: false);
        }

        foreach (var (entities, asks) in new[] { (1, 1_000), (32, 200), (1_000, 20) })
        {
            good &= await CompareAsync(output, rounds, $"SQLite, {entities} busy", entities, asks, onDisk: true);
        }

        await RawAsync(output, rounds, "raw SQLite, one by one", RawOneByOne, 1);
        await RawAsync(output, rounds, "raw SQLite, in hundreds", RawBatched, 100);
        await RecoverAsync(output, rounds);
        return good ? 0 : 1;
    }

    private static async Task<bool> CompareAsync(
        TextWriter output, int rounds, string what, int entities, int asks, bool onDisk)
    {
        var (ours, plain) = (new double[rounds], new double[rounds]);
        for (var round = 0; round < rounds; round++)
        {
            ours[round] = await WithPathAsync(async path =>
            {
                await using var engine = await MeterEngine.StartAsync(onDisk ? path : null);
                return await RateAsync(entities, asks, (n, count) => engine.AskInTurnAsync(n, count, s_payload));
            });
            plain[round] = await WithPathAsync(async path =>
            {
                await using var engine = PlainEngine.Start(Store(onDisk ? path : null), inMemory: !onDisk);
                return await RateAsync(entities, asks, (n, count) => engine.AskInTurnAsync(n, count, s_payload));
            });
        }

        var ratio = Median(ours.Zip(plain, (a, b) => a / b));
        output.WriteLine(
            $"{what,-24} engine {Median(ours),8:F0} /s   plain Akka.NET {Median(plain),8:F0} /s   ratio {ratio:F2} "
            + $"(target {Target:F2})");
        return ratio >= Target;
    }

    private static async Task RawAsync(TextWriter output, int rounds, string what, int events, int perTransaction)
    {
        var rates = new double[rounds];
        for (var round = 0; round < rounds; round++)
        {
            rates[round] = await WithPathAsync(path => Task.FromResult(
                RawSqlite.Measure(path, s_payload, events, perTransaction)));
        }

        output.WriteLine($"{what,-24} {Median(rates),15:F0} /s");
    }

    private static async Task RecoverAsync(TextWriter output, int rounds)
    {
        const int events = 20_000;
        await WithPathAsync(async path =>
        {
            await using (var engine = await MeterEngine.StartAsync(path, snapshotEvery: int.MaxValue))
            {
                await Task.WhenAll(Enumerable.Range(0, 20)
                    .Select(_ => engine.AskInTurnAsync(0, events / 20, s_payload)));
            }

            await using (var engine = PlainEngine.Start(Store(path), inMemory: false))
            {
                await Task.WhenAll(Enumerable.Range(0, 20)
                    .Select(_ => engine.AskInTurnAsync(0, events / 20, s_payload)));
            }

            var (ours, plain, start) = (new double[rounds], new double[rounds], new double[rounds]);
            for (var round = 0; round < rounds; round++)
            {
                var began = Stopwatch.GetTimestamp();
                await using (var engine = await MeterEngine.StartAsync(path, snapshotEvery: int.MaxValue))
                {
                    await engine[1].StateAsync(default);
                    start[round] = Stopwatch.GetElapsedTime(began).TotalSeconds;
                    ours[round] = await TimedAsync(async () => await engine[0].StateAsync(default));
                }

                await using var peer = PlainEngine.Start(Store(path), inMemory: false);
                await peer.AskInTurnAsync(1, 1, []);
                plain[round] = await TimedAsync(() => peer.AskInTurnAsync(0, 1, []));
            }

            output.WriteLine(
                $"{"recovery, 20,000 events",-24} engine {events / Median(ours),8:F0} /s   plain Akka.NET "
                + $"{events / Median(plain),8:F0} /s   ratio {Median(plain.Zip(ours, (p, o) => p / o)):F2}");
            output.WriteLine($"{"start to first answer",-24} {Median(start),15:F2} s");
            return 0.0;
        });
    }

    private static async Task<double> RateAsync(int entities, int asks, Func<int, int, Task> ask)
    {
        await Task.WhenAll(Enumerable.Range(0, entities).Select(number => ask(number, 1)));
        var took = await TimedAsync(() => Task.WhenAll(
            Enumerable.Range(0, entities).Select(number => Task.Run(() => ask(number, asks)))));
        return entities * asks / took;
    }

    private static async Task<double> TimedAsync(Func<Task> work)
    {
        var start = Stopwatch.GetTimestamp();
        await work();
        return Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static IEngineStore Store(string? path) =>
        path is null ? new MemoryStore() : new SqliteStore(path, TimeProvider.System);

    private static async Task<double> WithPathAsync(Func<string, Task<double>> measure)
    {
        var directory = Directory.CreateTempSubdirectory("bench-engine-");
        try
        {
            return await measure(Path.Combine(directory.FullName, "journal.db"));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
