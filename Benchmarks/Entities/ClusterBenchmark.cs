using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Benchmarks.Journaling;

namespace ReplicationEngine.Benchmarks.Entities;

/// <summary>
/// Nodes of one cluster on loopback, all in this process and so on the same processors: durable commands per second on
/// one, two and three nodes over one PostgreSQL, compared with a process that is no node; and a question to an entity
/// on another node compared with one on the same node.
/// </summary>
public static class ClusterBenchmark
{
    private const int Busy = 32;
    private const int Asks = 200;
    private const int Questions = 2_000;
    private const int WarmUps = 1;

    private static readonly byte[] s_payload = new byte[300];

    /// <summary>Measures in interleaved rounds, and writes medians and ratios.</summary>
    public static void Run(TextWriter output, bool quick)
    {
        if (RawPostgres.Socket is null)
        {
            output.WriteLine("no PostgreSQL; run ./bench cluster");
            return;
        }

        RunAsync(output, quick ? 3 : 5).GetAwaiter().GetResult();
    }

    private static async Task RunAsync(TextWriter output, int rounds)
    {
        var rates = Enumerable.Range(0, 4).Select(_ => new double[rounds]).ToArray();
        var (near, far) = (new List<double>(), new List<double>());
        var slowest = Enumerable.Range(0, 4).Select(_ => new List<double>()).ToArray();
        for (var turn = -WarmUps; turn < rounds; turn++)
        {
            for (var nodes = 0; nodes < 4; nodes++)
            {
                var round = Math.Max(0, turn);
                rates[nodes][round] = await BenchStore.UseAsync(StoreKind.Postgres, async store =>
                {
                    await using var cluster = await BenchCluster.StartAsync(store, nodes);
                    var times = slowest[nodes];
                    times.Clear();
                    var rate = await CommandsAsync(cluster, times);
                    if (nodes == 2 && turn >= 0)
                    {
                        await QuestionsAsync(cluster, near, far);
                    }

                    return rate;
                });
            }
        }

        for (var nodes = 0; nodes < 4; nodes++)
        {
            var what = nodes == 0 ? "no node" : nodes == 1 ? "1 node" : $"{nodes} nodes";
            output.WriteLine(
                $"{what + ", 32 busy",-26} {Percentile(rates[nodes], 50),8:F0} commands/s   p99 "
                + $"{Percentile(slowest[nodes], 99),7:F1} ms   ratio to no node "
                + $"{Percentile(rates[nodes].Zip(rates[0], (a, b) => a / b), 50):F2}");
        }

        foreach (var (what, times) in new[] { ("the same node", near), ("another node", far) })
        {
            output.WriteLine(
                $"{"question to " + what,-26} p50 {Percentile(times, 50) * 1000,7:F0} µs   p99 "
                + $"{Percentile(times, 99) * 1000,7:F0} µs");
        }
    }

    private static async Task<double> CommandsAsync(BenchCluster cluster, List<double> times)
    {
        await Task.WhenAll(Enumerable.Range(0, Busy).Select(n => cluster[n].AskInTurnAsync(n, 5, s_payload)));
        var began = Stopwatch.GetTimestamp();
        var all = await Task.WhenAll(Enumerable.Range(0, Busy).Select(number => Task.Run(async () =>
        {
            var mine = new double[Asks];
            for (var i = 0; i < Asks; i++)
            {
                var start = Stopwatch.GetTimestamp();
                await cluster[number].AskInTurnAsync(number, 1, s_payload);
                mine[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
            }

            return mine;
        })));
        times.AddRange(all.SelectMany(mine => mine));
        return Busy * Asks / Stopwatch.GetElapsedTime(began).TotalSeconds;
    }

    // Each entity is asked from both nodes in turn; whichever is quicker in the median runs it.
    private static async Task QuestionsAsync(BenchCluster cluster, List<double> near, List<double> far)
    {
        for (var number = 0; number < 4; number++)
        {
            var times = new[] { new List<double>(), new List<double>() };
            for (var i = 0; i < Questions; i++)
            {
                var start = Stopwatch.GetTimestamp();
                await cluster[i % 2][number].StateAsync(default);
                times[i % 2].Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            }

            var ordered = times.OrderBy(each => Percentile(each, 50)).ToArray();
            near.AddRange(ordered[0]);
            far.AddRange(ordered[1]);
        }
    }

    private static double Percentile(IEnumerable<double> values, int percent)
    {
        var sorted = values.Order().ToList();
        return sorted[Math.Min(sorted.Count - 1, sorted.Count * percent / 100)];
    }

    /// <summary>The nodes of a cluster; none is a process that runs alone.</summary>
    private sealed class BenchCluster(IReadOnlyList<MeterEngine> nodes) : IAsyncDisposable
    {
        public MeterEngine this[int number] => nodes[number % nodes.Count];

        public static async Task<BenchCluster> StartAsync(BenchStore store, int size)
        {
            if (size == 0)
            {
                return new BenchCluster([await MeterEngine.StartAsync(store)]);
            }

            NodeAddress[] addresses = [.. Enumerable.Range(1, size).Select(number => Free($"127.0.0.{number}"))];
            var nodes = new List<MeterEngine>();
            foreach (var (number, address) in addresses.Index())
            {
                nodes.Add(await MeterEngine.StartAsync(store, node: new ClusterNode
                {
                    Name = $"node-{number}", Address = address, Join = addresses,
                }));
            }

            while (nodes.Any(node => node.Engine.Cluster.Members.Count(m => m.Status == ClusterMemberStatus.Up) < size))
            {
                await Task.Delay(TimeSpan.FromMilliseconds(10), TimeProvider.System);
            }

            return new BenchCluster(nodes);
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var node in nodes)
            {
                await node.DisposeAsync();
            }
        }

        private static NodeAddress Free(string host)
        {
            using var listener = new TcpListener(IPAddress.Parse(host), 0);
            listener.Start();
            return new NodeAddress(host, ((IPEndPoint)listener.LocalEndpoint).Port);
        }
    }
}
