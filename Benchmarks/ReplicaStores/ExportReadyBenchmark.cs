using System.Diagnostics;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Benchmarks.ReplicaStores;

/// <summary>
/// The time until a recovery point is ready, and the store's own speed: sparse disks of 8 GiB and 64 GiB with 1 GiB of
/// data and 24 points of 10,000 random 4 KiB writes each. Limit: any point is ready in less than a second, whatever the
/// disk's size. Throughputs are through the page cache, so they vary with the machine's other load; the figures per CPU
/// second vary less.
/// </summary>
internal static class ExportReadyBenchmark
{
    private const long GiB = 1L << 30;
    private const int Rounds = 5;
    private const int Points = 24;
    private const int WritesPerPoint = 10_000;
    private const int Reads = 100_000;

    public static void Run(TextWriter output)
    {
        foreach (var size in new[] { 8 * GiB, 64 * GiB })
        {
            var path = Path.Combine(Path.GetTempPath(), $"replica-bench-{Environment.ProcessId}");
            try
            {
                Measure(output, new FileStorageDirectory(path), size);
            }
            finally
            {
                Directory.Delete(path, recursive: true);
            }
        }
    }

    private static void Measure(TextWriter output, IStorageDirectory directory, long size)
    {
        var label = $"{size / GiB} GiB sparse";
        var feed = new RecordFeed(size);
        var store = ReplicaStore.Create(
            directory, new ProtectedVmId("bench"), [new DiskSpec("/dev/vda", size)], Term.First);
        store.Apply(feed.Start());
        foreach (var (name, recordSize) in new[] { ("64 KiB", 64 << 10), ("1 MiB", 1 << 20) })
        {
            var rate = feed.Fill(store, GiB / 2, recordSize);
            output.WriteLine($"{label}: initial copy in records of {name}: {rate / 1e9:F2} GB/s");
        }

        store.EndResync(store.Applied);
        store.Apply(feed.Mark());
        var (writes, took, cpu) = (0, TimeSpan.Zero, TimeSpan.Zero);
        for (var i = 0; i < Points; i++)
        {
            var (began, before) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            feed.Scatter(store, WritesPerPoint);
            took += Stopwatch.GetElapsedTime(began);
            cpu += Environment.CpuUsage.TotalTime - before;
            writes += WritesPerPoint;
            store.Apply(feed.Mark());
            store.Sync();
        }

        output.WriteLine(
            $"{label}: random 4 KiB writes applied: {writes / took.TotalSeconds / 1e3:F0} k/s, "
            + $"{writes / cpu.TotalSeconds / 1e3:F0} k per CPU second (making them included)");
        MeasureReadiness(output, directory, store, label, size);
    }

    private static void MeasureReadiness(
        TextWriter output, IStorageDirectory directory, ReplicaStore store, string label,
        long size)
    {
        var points = store.Points;
        var block = new byte[4096];
        output.WriteLine($"{label}: oldest point ready: {Median(() =>
        {
            using var export = store.OpenPoint(points[0].Id);
            export.Disks[0].Read(size / 2, block);
        }):F2} ms");
        output.WriteLine($"{label}: newest point, writable, ready: {Median(() =>
        {
            var overlay = store.CreateOverlay("bench", points[^1].Id);
            overlay.Disks[0].Write([BlockChange.Write(8192, block)]);
            store.DeleteOverlay("bench");
        }):F2} ms (made, written and deleted)");
        store.Dispose();
        var opening = Median(() => ReplicaStore.Open(directory).Dispose());
        output.WriteLine($"{label}: store opened after a restart: {opening:F2} ms");
        store = ReplicaStore.Open(directory);
        MeasureReads(output, store, label);
        var (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
        while (store.Maintain(TimeSpan.FromSeconds(1)))
        {
        }

        output.WriteLine(
            $"{label}: digests of {points.Count} points and folding: "
                + $"{Stopwatch.GetElapsedTime(began).TotalSeconds:F2} s, "
            + $"{(Environment.CpuUsage.TotalTime - cpu).TotalSeconds:F2} CPU seconds");
        store.Dispose();
    }

    private static void MeasureReads(TextWriter output, ReplicaStore store, string label)
    {
        using var export = store.OpenPoint(store.Points[^1].Id);
        var block = new byte[4096];
        var random = new Random(7);
        for (var round = 0; round < 2; round++)
        {
            var (began, cpu) = (Stopwatch.GetTimestamp(), Environment.CpuUsage.TotalTime);
            for (var i = 0; i < Reads; i++)
            {
                export.Disks[0].Read(random.NextInt64(GiB / 4096) * 4096, block);
            }

            var rate = Reads / Stopwatch.GetElapsedTime(began).TotalSeconds;
            var perCpu = Reads / (Environment.CpuUsage.TotalTime - cpu).TotalSeconds;
            output.WriteLine(
                $"{label}: random 4 KiB reads, {(round == 0 ? "cold" : "warm")} index: {rate / 1e3:F0} k/s, "
                    + $"{perCpu / 1e3:F0} k per CPU second");
        }
    }

    private static double Median(Action action)
    {
        var times = new List<double>();
        for (var i = 0; i < Rounds; i++)
        {
            var began = Stopwatch.GetTimestamp();
            action();
            times.Add(Stopwatch.GetElapsedTime(began).TotalMilliseconds);
        }

        times.Sort();
        return times[Rounds / 2];
    }
}
