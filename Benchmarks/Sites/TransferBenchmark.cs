using System.Diagnostics;
using System.Globalization;

namespace ReplicationEngine.Benchmarks.Sites;

/// <summary>
/// Initial replication of a 4 GiB image through service and agent (read, hash, compress, encrypt, ship, store) against
/// nbdcopy and rsync on the same image, and then a resync after 1 % of its 64 KiB blocks changed while the agent was
/// away, against rsync. In turns; the ratios are of the same round. Limit: two processors and the page cache.
/// </summary>
internal static class TransferBenchmark
{
    private const long ImageBytes = 4L << 30;

    /// <summary>Measures both and prints medians.</summary>
    public static void Run(TextWriter output, bool quick)
    {
        var rounds = quick ? 2 : 5;
        var size = quick ? ImageBytes / 4 : ImageBytes;
        var copies = new List<double[]>();
        var resyncs = new List<double[]>();
        for (var round = 0; round < rounds; round++)
        {
            var directory = Directory.CreateTempSubdirectory("copy-bench-");
            try
            {
                var (copy, resync) = Round(directory.FullName, size);
                copies.Add(copy);
                resyncs.Add(resync);
            }
            finally
            {
                directory.Delete(recursive: true);
            }
        }

        output.WriteLine($"Initial replication of {size >> 30} GiB, medians of {rounds} rounds");
        Print(output, copies, ["initial replication", "nbdcopy", "rsync daemon"]);
        output.WriteLine("Resync after 1 % of the 64 KiB blocks changed");
        Print(output, resyncs, ["resync", "rsync --inplace -I"]);
    }

    private static (double[] Copy, double[] Resync) Round(string directory, long size)
    {
        var image = Path.Combine(directory, "source.img");
        SampleImage.Make(image, size);
        using var site = new ProtectedSite(directory);
        site.Run("protect", "copy", "--disk", image);
        var replication = site.JobSeconds("copy", "initial-replication");
        var nbdcopy = NbdCopy(image, Path.Combine(directory, "nbdcopy.img"));
        var peer = Path.Combine(directory, "peer");
        Directory.CreateDirectory(peer);
        using var daemon = new RsyncDaemon(peer);
        var rsync = daemon.Push(image, "-W", "--inplace");

        site.StopAgent();
        SampleImage.Touch(image);
        site.StartAgent();
        ProtectedSite.WaitUntil(
            () => site.Run("jobs", "copy").AsArray().Any(j => (string)j!["kind"]! == "resync"
                && j["endedAt"] is not null),
            "the resync to end");
        var resync = site.JobSeconds("copy", "resync");
        return ([replication, nbdcopy, rsync], [resync, daemon.Push(image, "--no-W", "--inplace", "-I", "-B65536")]);
    }

    private static double NbdCopy(string image, string target)
    {
        File.WriteAllBytes(target, []);
        using (var file = File.OpenWrite(target))
        {
            file.SetLength(new FileInfo(image).Length);
        }

        var watch = Stopwatch.StartNew();
        Nbd.OutsideProcess.Capture(
            "nbdcopy", $"-- [ nbdkit --exit-with-parent file {image} ] [ nbdkit --exit-with-parent file {target} ]");
        return watch.Elapsed.TotalSeconds;
    }

    private static void Print(TextWriter output, List<double[]> rounds, string[] names)
    {
        for (var i = 0; i < names.Length; i++)
        {
            var line = string.Create(
                CultureInfo.InvariantCulture, $"  {names[i],-22}{Median(rounds.Select(r => r[i])),8:0.00} s");
            line += i == 0 ? "" : string.Create(
                CultureInfo.InvariantCulture, $"   ours / it {Median(rounds.Select(r => r[0] / r[i])):0.00}");
            output.WriteLine(line);
        }

        output.Flush();
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }
}
