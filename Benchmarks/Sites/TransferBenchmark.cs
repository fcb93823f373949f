using System.Diagnostics;
using System.Globalization;

namespace ReplicationEngine.Benchmarks.Sites;

/// <summary>
/// Initial replication of a 4 GiB image through service and agent (read, hash, compress, encrypt, ship, store) compared
/// with nbdcopy and rsync on the same image; then a resync after 1 % of its 64 KiB blocks changed while the agent was
/// away, compared with rsync. The peers run in turns, and ratios are within a round. Limit: two processors and the page
/// cache.
/// </summary>
internal static class TransferBenchmark
{
    private const long ImageBytes = 4L << 30;

    /// <summary>Measures both transfers and prints medians.</summary>
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
                var (copy, resync, memory, wire) = Round(directory.FullName, size);
                copies.Add(copy);
                resyncs.Add(resync);
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                    $"  round {round + 1} of {rounds}: replication {copy[0]:0.0} s, nbdcopy {copy[1]:0.0} s, "
                    + $"rsync {copy[2]:0.0} s; resync {resync[0]:0.00} s, rsync {resync[1]:0.00} s; "
                    + $"peak memory {memory} MiB; sent {wire:0.000} of the image's non-zero bytes"));
                output.Flush();
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

    private static (double[] Copy, double[] Resync, long Memory, double Wire) Round(string directory, long size)
    {
        var image = Path.Combine(directory, "source.img");
        SampleImage.Make(image, size);
        using var site = new ProtectedSite(directory);
        WriteBack();
        site.Run("protect", "copy", "--disk", image);
        var replication = site.JobSeconds("copy", "initial-replication");
        var wire = (double)(long)site.Run("status", "copy")["source"]!["wireBytes"]! / SampleImage.NonZeroBytes(size);
        var memory = site.PeakMebibytes();
        WriteBack();
        var nbdcopy = NbdCopy(image, Path.Combine(directory, "nbdcopy.img"));
        var peer = Path.Combine(directory, "peer");
        Directory.CreateDirectory(peer);
        using var daemon = new RsyncDaemon(peer);
        WriteBack();
        var rsync = daemon.Push(image, "-W", "--inplace");

        site.StopAgent();
        SampleImage.Touch(image);
        WriteBack();
        site.StartAgent();
        ProtectedSite.WaitUntil(
            () => site.Run("jobs", "copy").AsArray().Any(j => (string)j!["kind"]! == "resync"
                && j["endedAt"] is not null),
            "the resync to end");
        var resync = site.JobSeconds("copy", "resync");
        WriteBack();
        var again = daemon.Push(image, "--no-W", "--inplace", "-I", "-B65536");
        return ([replication, nbdcopy, rsync], [resync, again], memory, wire);
    }

    /// <summary>Writes the page cache back to disk, so that no measurement pays for the one before.</summary>
    private static void WriteBack() => Nbd.OutsideProcess.Capture("sync", "");

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
