using ReplicationEngine.Benchmarks.Entities;
using ReplicationEngine.Benchmarks.Nbd;
using ReplicationEngine.Benchmarks.ReplicaStores;
using ReplicationEngine.Benchmarks.Sites;
using ReplicationEngine.Benchmarks.Transport;

var quick = args.Contains("--quick", StringComparer.Ordinal);
var benchmarks = new Dictionary<string, Action>(StringComparer.Ordinal)
{
    ["nbd"] = () => NbdBenchmark.Run(Console.Out, quick),
    ["copy"] = () => TransferBenchmark.Run(Console.Out, quick),
    ["failover"] = () => FailoverBenchmark.Run(Console.Out, quick),
    ["session"] = () => CopyBenchmark.Run(Console.Out, quick),
    ["export"] = () => ExportReadyBenchmark.Run(Console.Out),
    ["engine"] = () => EngineBenchmark.Run(Console.Out, quick),
    ["cluster"] = () => ClusterBenchmark.Run(Console.Out, quick),
    ["memory"] = () => IdleMemoryBenchmark.Run(Console.Out),
};
var names = args.Where(a => a != "--quick").ToList();
if (names.Find(n => !benchmarks.ContainsKey(n)) is { } unknown)
{
    Console.Error.WriteLine($"'{unknown}' is no benchmark; there are {string.Join(", ", benchmarks.Keys)}.");
    return 2;
}

foreach (var name in names.Count == 0 ? [.. benchmarks.Keys] : names)
{
    Console.WriteLine($"== {name}");
    benchmarks[name]();
}

return 0;
