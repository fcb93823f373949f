using System.Diagnostics;
using ReplicationEngine.Benchmarks.Entities;

namespace ReplicationEngine.Benchmarks.Journaling;

/// <summary>
/// Commands through the engine, durable on SQLite, against raw SQLite inserts of the same bytes (WAL, synchronous=FULL)
/// on the same disk in the same minutes. Targets: one entity one event at a time at least 0.8 of raw one by one; 1,000
/// busy entities at least 0.5 of raw in hundreds; in memory at least 0.40 M commands/s from one caller.
/// </summary>
public static class JournalAppendBenchmark
{
    private const int Rounds = 5;
    private const int OneByOne = 1_000;
    private const int BusyEntities = 1_000;
    private const int EventsPerEntity = 40;
    private const int RawBatched = 40_000;
    private const int InMemoryAsks = 200_000;
    private const int InFlight = 100;

    private static readonly byte[] s_payload = new byte[300];

    /// <summary>
    /// Measures in interleaved rounds, writes medians and ratios, and answers 0 when the targets are met.
    /// </summary>
    public static int Run(TextWriter output) => RunAsync(output).GetAwaiter().GetResult();

    private static async Task<int> RunAsync(TextWriter output)
    {
        await InMemoryAsync(1);
        var rounds = new List<Round>();
        for (var i = 0; i < Rounds; i++)
        {
            rounds.Add(new Round(
                await OnDiskAsync(path => RawAsync(path, OneByOne, 1)),
                await OnDiskAsync(OneEntityAsync),
                await OnDiskAsync(path => RawAsync(path, RawBatched, 100)),
                await OnDiskAsync(ManyEntitiesAsync),
                await InMemoryAsync(1),
                await InMemoryAsync(InFlight)));
        }

        var single = Median(rounds, round => round.OneEntity / round.RawOneByOne);
        var busy = Median(rounds, round => round.ManyEntities / round.RawHundreds);
        var memory = Median(rounds, round => round.InMemory);
        Line("raw SQLite, one by one", Median(rounds, round => round.RawOneByOne), "");
        Line("engine, one entity in turn", Median(rounds, r => r.OneEntity), $"ratio {single:F2} (target 0.80)");
        Line("raw SQLite, in hundreds", Median(rounds, round => round.RawHundreds), "");
        Line("engine, 1,000 busy entities", Median(rounds, r => r.ManyEntities), $"ratio {busy:F2} (target 0.50)");
        Line("engine in memory, one caller", memory, "(target 400,000)");
        Line("engine in memory, 100 callers", Median(rounds, round => round.InMemoryMany), "(target 510,000)");
        return single >= 0.8 && busy >= 0.5 && memory >= 400_000 ? 0 : 1;

        void Line(string what, double perSecond, string judgement) =>
            output.WriteLine($"{what,-30} {perSecond,10:F0} /s   {judgement}");
    }

    private static async Task<double> OnDiskAsync(Func<string, Task<double>> measure)
    {
        var directory = Directory.CreateTempSubdirectory("bench-journal-");
        try
        {
            return await measure(Path.Combine(directory.FullName, "journal.db"));
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static Task<double> RawAsync(string path, int events, int perTransaction) =>
        Task.FromResult(RawSqlite.Measure(path, s_payload, events, perTransaction));

    private static async Task<double> OneEntityAsync(string path)
    {
        await using var engine = await MeterEngine.StartAsync(path);
        await engine.AskInTurnAsync(0, 10, s_payload);
        var start = Stopwatch.GetTimestamp();
        await engine.AskInTurnAsync(0, OneByOne, s_payload);
        return OneByOne / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> ManyEntitiesAsync(string path)
    {
        await using var engine = await MeterEngine.StartAsync(path);
        await Task.WhenAll(Enumerable.Range(0, BusyEntities)
            .Select(number => engine.AskInTurnAsync(number, 1, s_payload)));
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, BusyEntities)
            .Select(number => engine.AskInTurnAsync(number, EventsPerEntity, s_payload)));
        return BusyEntities * EventsPerEntity / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static async Task<double> InMemoryAsync(int callers)
    {
        await using var engine = await MeterEngine.StartAsync(path: null);
        var start = Stopwatch.GetTimestamp();
        await Task.WhenAll(Enumerable.Range(0, callers)
            .Select(number => Task.Run(() => engine.AskInTurnAsync(number, InMemoryAsks / callers, s_payload))));
        return InMemoryAsks / Stopwatch.GetElapsedTime(start).TotalSeconds;
    }

    private static double Median(List<Round> rounds, Func<Round, double> value) =>
        rounds.Select(value).Order().ElementAt(rounds.Count / 2);

    private sealed record Round(
        double RawOneByOne,
        double OneEntity,
        double RawHundreds,
        double ManyEntities,
        double InMemory,
        double InMemoryMany);
}
