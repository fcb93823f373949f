using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using ReplicationEngine.Benchmarks.Nbd;

namespace ReplicationEngine.Benchmarks.Transport;

/// <summary>
/// Initial replication of an image, and its resync after 1 % of the blocks changed, compared with nbdcopy and the rsync
/// daemon on the same image in the same round. Our side reads, hashes, compresses, seals, ships, stores and syncs; both
/// ends share the processors. Limits: SHA-256 of every byte once, the page cache's copies, the disk's writing.
/// </summary>
public static class CopyBenchmark
{
    /// <summary>Measures the real source and store.</summary>
    public static void Run(TextWriter output, bool quick = false) =>
        Run(output, CopyEnds.Open, quick ? 1L << 30 : 4L << 30, quick ? 3 : 5, quick: quick);

    /// <summary>
    /// Measures any two ends, opened over the image, a directory for the source and one for the replica.
    /// </summary>
    public static void Run(
        TextWriter output, Func<string, string, string, CopyEnds> open, long size, int rounds, string? directory = null,
            bool quick = false)
    {
        var work = directory ?? Directory.CreateTempSubdirectory("copy-bench-").FullName;
        try
        {
            var image = Path.Combine(work, "image.raw");
            CopyImage.Make(image, size);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"Copy of a {size >> 20} MiB image (half random, a quarter zero, a quarter text); medians of "
                    + $"{rounds} interleaved rounds"));
            var copies = Enumerable.Range(0, rounds).Select(i => Copy(open, work, image, i)).ToArray();
            Print(output, "initial copy", copies);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  wire {copies[0].Wire / (double)size:F3} of the image, "
                    + $"{copies[0].Wire / (double)copies[0].Changed:F3} of its non-zero bytes"));
            var resyncs = Enumerable.Range(0, rounds).Select(i => Resync(open, work, image, i)).ToArray();
            Print(output, "resync of 1 %", resyncs);
            output.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"  wire {resyncs[0].Wire / 1e6:F1} MB for {resyncs[0].Changed / 1e6:F1} MB changed; limit "
                    + $"{((resyncs[0].Changed * 1.05) + (1 << 20)) / 1e6:F1} MB"));
        }
        finally
        {
            Directory.Delete(work, recursive: true);
        }
    }

    private static Round Copy(Func<string, string, string, CopyEnds> open, string work, string image, int round)
    {
        var (source, replica) = (Path.Combine(work, "source"), Path.Combine(work, "replica"));
        Delete(source, replica);
        var ours = Session(open, image, source, replica);
        var copy = Path.Combine(work, "nbdcopy.raw");
        Delete(copy);
        var nbdcopy = Time(() => NbdCopy(image, copy));
        Delete(copy);
        var rsync = Time(() => Rsync(work, image, "rsynced", string.Empty));
        return new Round(ours.Seconds, nbdcopy, rsync, ours.WireBytes, ours.BlockBytes);
    }

    private static Round Resync(Func<string, string, string, CopyEnds> open, string work, string image, int round)
    {
        // Without its own directory the source knows nothing of the replica, so everything has to be compared.
        var changed = CopyImage.Change(image, 1000 + round);
        Delete(Path.Combine(work, "source"));
        var ours = Session(open, image, Path.Combine(work, "source"), Path.Combine(work, "replica"));
        var rsync = Time(() => Rsync(work, image, "rsynced", "--inplace -I -B65536 --no-whole-file"));
        return new Round(ours.Seconds, null, rsync, ours.WireBytes, changed);
    }

    private static CopyResult Session(Func<string, string, string, CopyEnds> open, string image, string source,
        string replica)
    {
        var ends = open(image, source, replica);
        try
        {
            return CopySession.RunAsync(ends, CancellationToken.None).GetAwaiter().GetResult();
        }
        finally
        {
            ends.Close();
        }
    }

    private static void NbdCopy(string from, string to)
    {
        using (var file = File.OpenHandle(to, FileMode.CreateNew, FileAccess.Write))
        {
            RandomAccess.SetLength(file, new FileInfo(from).Length);
        }

        OutsideProcess.Capture("nbdcopy",
            $"--flush -- [ nbdkit --exit-with-parent file {from} ] [ nbdkit --exit-with-parent file {to} ]");
    }

    private static void Rsync(string work, string from, string to, string options)
    {
        var target = Path.Combine(work, to);
        Directory.CreateDirectory(target);
        var port = FreePort();
        var configuration = Path.Combine(work, "rsyncd.conf");
        File.WriteAllText(configuration,
            $"use chroot = no\nuid = {Environment.UserName}\n[target]\npath = {target}\nread only = no\n");
        using var daemon = OutsideProcess.Start(
            "rsync", $"--daemon --no-detach --address=127.0.0.1 --port={port} --config={configuration}",
                redirect: false);
        try
        {
            AwaitPort(port);
            OutsideProcess.Capture("rsync", $"{options} {from} rsync://127.0.0.1:{port}/target/");
        }
        finally
        {
            daemon.Kill();
            daemon.WaitForExit();
        }
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static void AwaitPort(int port)
    {
        var watch = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                using var probe = new TcpClient("127.0.0.1", port);
                return;
            }
            catch (SocketException) when (watch.Elapsed < TimeSpan.FromSeconds(10))
            {
                Thread.Yield();
            }
        }
    }

    private static double Time(Action action)
    {
        var watch = Stopwatch.StartNew();
        action();
        return watch.Elapsed.TotalSeconds;
    }

    private static void Delete(params string[] paths)
    {
        foreach (var path in paths)
        {
            if (Directory.Exists(path))
            {
                Directory.Delete(path, recursive: true);
            }

            File.Delete(path);
        }
    }

    private static void Print(TextWriter output, string name, Round[] rounds)
    {
        var line = string.Create(CultureInfo.InvariantCulture,
            $"{name,-14} ours {Median(rounds.Select(r => r.Ours)):F2} s");
        if (rounds[0].NbdCopy is not null)
        {
            line += string.Create(CultureInfo.InvariantCulture,
                $"   nbdcopy {Median(rounds.Select(r => r.NbdCopy!.Value)):F2} s (ratio "
                    + $"{Median(rounds.Select(r => r.Ours / r.NbdCopy!.Value)):F2})");
        }

        output.WriteLine(line + string.Create(CultureInfo.InvariantCulture,
            $"   rsync {Median(rounds.Select(r => r.Rsync)):F2} s (ratio "
                + $"{Median(rounds.Select(r => r.Ours / r.Rsync)):F2})"));
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    private sealed record Round(double Ours, double? NbdCopy, double Rsync, long Wire, long Changed);
}
