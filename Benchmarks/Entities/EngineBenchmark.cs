using System.Diagnostics;
using ReplicationEngine.Benchmarks.Journaling;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>
/// The engine compared with plain Akka.NET without an entity core, sharded and over the same journal plugin in the same
/// minutes (target: at least 0.8 of its rate): questions, durable commands, recovered events, start to first reply.
/// Then the journal compared with raw inserts of the same bytes: SQLite one by one and in hundreds, pgbench with 1 and
/// 32 clients. The first rounds of each are not counted, because the runtime has not yet fully compiled the code.
/// </summary>
public static class EngineBenchmark
{
    private const double Target = 0.8;
    private const int WarmUps = 2;
    private const int RawOneByOne = 1_000;
    private const int RawBatched = 40_000;
    private const int RawSeconds = 3;

    private static readonly byte[] s_payload = new byte[300];

    /// <summary>
    /// Measures in interleaved rounds, writes medians and ratios, and returns 0 when the targets are met.
    /// </summary>
    public static int Run(TextWriter output, bool quick) => RunAsync(output, quick ? 3 : 5).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(TextWriter output, int rounds)
    {
        var good = await CompareQuestionsAsync(output, rounds);
        foreach (var (kind, entities, asks) in Loads())
        {
            good &= await CompareCommandsAsync(output, rounds, kind, entities, asks);
        }

        await RawAsync(output, rounds, "raw SQLite, one by one", () => RawSqliteAsync(RawOneByOne, 1));
        await RawAsync(output, rounds, "raw SQLite, in hundreds", () => RawSqliteAsync(RawBatched, 100));
        if (RawPostgres.Socket is not null)
        {
            foreach (var clients in new[] { 1, 32 })
            {
                await RawAsync(
                    output, rounds, $"pgbench, {clients} clients",
                    () => RawPostgres.MeasureAsync(s_payload, clients, RawSeconds));
            }
        }

        good &= await RecoverAsync(output, rounds, StoreKind.Sqlite);
        if (RawPostgres.Socket is not null)
        {
            good &= await RecoverAsync(output, rounds, StoreKind.Postgres);
        }

        return good ? 0 : 1;
    }

    private static IEnumerable<(StoreKind Kind, int Entities, int Asks)> Loads()
    {
        foreach (var (entities, inMemory, onDisk) in new[] { (1, 60_000, 2_000), (32, 5_000, 400), (1_000, 150, 40) })
        {
            yield return (StoreKind.Memory, entities, inMemory);
            yield return (StoreKind.Sqlite, entities, onDisk);
            if (RawPostgres.Socket is not null)
            {
                yield return (StoreKind.Postgres, entities, onDisk);
            }
        }
    }

    private static Task<bool> CompareQuestionsAsync(TextWriter output, int rounds)
    {
        const int entities = 32;
        const int asks = 20_000;
        return CompareAsync(
            output, rounds, "questions, 32 askers", StoreKind.Memory,
            engine => RateAsync(entities, asks, async (number, count) =>
            {
                var entity = engine[number];
                for (var i = 0; i < count; i++)
                {
                    await entity.StateAsync(default);
                }
            }),
            peer => RateAsync(entities, asks, (number, count) => peer.AskInTurnAsync(number, count, [])));
    }

    private static Task<bool> CompareCommandsAsync(
        TextWriter output, int rounds, StoreKind kind, int entities, int asks) => CompareAsync(
        output, rounds, $"{kind}, {entities} busy", kind,
        engine => RateAsync(entities, asks, (n, count) => engine.AskInTurnAsync(n, count, s_payload)),
        peer => RateAsync(entities, asks, (n, count) => peer.AskInTurnAsync(n, count, s_payload)));

    private static async Task<bool> CompareAsync(
        TextWriter output, int rounds, string what, StoreKind kind, Func<MeterEngine, Task<double>> measure,
        Func<PlainEngine, Task<double>> measurePeer)
    {
        var (ours, plain) = (new double[rounds], new double[rounds]);
        for (var turn = -WarmUps; turn < rounds; turn++)
        {
            var round = Math.Max(0, turn);
            ours[round] = await BenchStore.UseAsync(kind, async store =>
            {
                await using var engine = await MeterEngine.StartAsync(store);
                return await measure(engine);
            });
            plain[round] = await BenchStore.UseAsync(kind, async store =>
            {
                await using var peer = PlainEngine.Start(store);
                return await measurePeer(peer);
            });
        }

        return Tell(output, what, ours, plain);
    }

    private static async Task RawAsync(TextWriter output, int rounds, string what, Func<Task<double>> measure)
    {
        var rates = new double[rounds];
        for (var round = 0; round < rounds; round++)
        {
            rates[round] = await measure();
        }

        output.WriteLine($"{what,-26} {Median(rates),15:F0} /s");
    }

    private static Task<double> RawSqliteAsync(int events, int perTransaction) => BenchStore.UseAsync(
        StoreKind.Sqlite,
        store => Task.FromResult(RawSqlite.Measure(store.Place, s_payload, events, perTransaction)));

    private static async Task<bool> RecoverAsync(TextWriter output, int rounds, StoreKind kind)
    {
        const int events = 20_000;
        var good = false;
        await BenchStore.UseAsync(kind, async store =>
        {
            await using (var engine = await MeterEngine.StartAsync(store, snapshotEvery: int.MaxValue))
            {
                await Task.WhenAll(Enumerable.Range(0, 20)
                    .Select(_ => engine.AskInTurnAsync(0, events / 20, s_payload)));
            }

            await using (var engine = PlainEngine.Start(store))
            {
                await Task.WhenAll(Enumerable.Range(0, 20)
                    .Select(_ => engine.AskInTurnAsync(0, events / 20, s_payload)));
            }

            var (ours, plain) = (new double[rounds], new double[rounds]);
            var (oursStart, plainStart) = (new double[rounds], new double[rounds]);
            for (var round = 0; round < rounds; round++)
            {
                var began = Stopwatch.GetTimestamp();
                await using (var engine = await MeterEngine.StartAsync(store, snapshotEvery: int.MaxValue))
                {
                    await engine[1].StateAsync(default);
                    oursStart[round] = 1 / Stopwatch.GetElapsedTime(began).TotalSeconds;
                    ours[round] = events / await TimedAsync(async () => await engine[0].StateAsync(default));
                }

                began = Stopwatch.GetTimestamp();
                await using var peer = PlainEngine.Start(store);
                await peer.AskInTurnAsync(1, 1, []);
                plainStart[round] = 1 / Stopwatch.GetElapsedTime(began).TotalSeconds;
                plain[round] = events / await TimedAsync(() => peer.AskInTurnAsync(0, 1, []));
            }

            good = Tell(output, $"{kind}, events recovered", ours, plain);
            output.WriteLine(
                $"{kind + ", start to answer",-26} engine {1 / Median(oursStart),8:F2} s    plain Akka.NET "
                + $"{1 / Median(plainStart),8:F2} s    ratio {Ratio(oursStart, plainStart):F2}");
            return 0.0;
        });
        return good;
    }

    private static bool Tell(TextWriter output, string what, double[] ours, double[] plain)
    {
        var ratio = Ratio(ours, plain);
        output.WriteLine(
            $"{what,-26} engine {Median(ours),8:F0} /s   plain Akka.NET {Median(plain),8:F0} /s   ratio {ratio:F2} "
            + $"(target {Target:F2})");
        return ratio >= Target;
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

    private static double Ratio(double[] ours, double[] plain) => Median(ours.Zip(plain, (a, b) => a / b));

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToList();
        return sorted[sorted.Count / 2];
    }
}
