using System.Globalization;
using ReplicationEngine.DataPlane.Blocks;

namespace ReplicationEngine.Benchmarks.Nbd;

/// <summary>
/// A protected disk with replication on, compared with our server on the plain file, nbdkit and qemu-nbd. All run the
/// same fio jobs on the same file over a unix socket, in turns within each round, so that a drift of the machine
/// affects all of them. The figure that counts is the ratio to the peer of the same round; the table has the median
/// over the rounds. Limit: one processor copying between socket, server and page cache.
/// </summary>
public static class NbdBenchmark
{
    private const long FileSize = 1L << 30;

    /// <summary>Measures a server on a plain file.</summary>
    /// <param name="output">Receives the table.</param>
    /// <param name="quick">Whether to use shorter runs and fewer rounds, for a first impression.</param>
    public static void Run(TextWriter output, bool quick = false) =>
        Run(output, path => FileBlockDevice.Open(path), "unprotected", quick);

    /// <summary>Measures a server on any device made from a file's path.</summary>
    /// <param name="output">Receives the table.</param>
    /// <param name="device">Opens the device to be served; the device is disposed after each job.</param>
    /// <param name="name">The device's name in the table.</param>
    /// <param name="quick">Whether to use shorter runs and fewer rounds.</param>
    /// <param name="jobs">The names of the jobs to run; empty for all.</param>
    public static void Run(
        TextWriter output, Func<string, IBlockDevice> device, string name, bool quick, params string[] jobs)
    {
        var directory = Directory.CreateTempSubdirectory("nbd-bench-");
        try
        {
            var file = Path.Combine(directory.FullName, "disk.img");
            Fill(file);
            using var protectedDisk = new ProtectedDisk(directory.FullName, file);
            INbdPeer[] peers =
            [
                protectedDisk,
                new OwnServer(name, device),
                new OutsideServer("nbdkit", "nbdkit", "-f -U {socket} file {file}"),
                new OutsideServer("qemu-nbd", "qemu-nbd", "-f raw -t -e 16 -k {socket} {file}"),
            ];
            output.WriteLine($"NBD, fio over a unix socket, 1 GiB file; medians of {Rounds(quick)} interleaved rounds");
            foreach (var job in FioJob.All.Where(j => jobs.Length == 0 || jobs.Contains(j.Name)))
            {
                Print(output, job, peers, Measure(job, peers, file, quick));
            }
        }
        finally
        {
            directory.Delete(recursive: true);
        }
    }

    private static int Rounds(bool quick) => quick ? 3 : 5;

    private static FioResult[][] Measure(FioJob job, INbdPeer[] peers, string file, bool quick)
    {
        var seconds = quick ? 2 : 4;
        var rounds = new FioResult[Rounds(quick)][];
        for (var i = 0; i < rounds.Length; i++)
        {
            rounds[i] = [.. peers.Select(p => p.Serve(file, uri => job.Run(uri, seconds)))];
        }

        return rounds;
    }

    private static void Print(TextWriter output, FioJob job, INbdPeer[] peers, FioResult[][] rounds)
    {
        output.WriteLine($"{job.Name} ({job.Unit})");
        for (var p = 0; p < peers.Length; p++)
        {
            var value = Median(rounds.Select(r => job.ValueOf(r[p])));
            var p99 = Median(rounds.Select(r => r[p].P99Microseconds));
            var line = string.Create(
                CultureInfo.InvariantCulture, $"  {peers[p].Name,-12}{value,12:N0}   p99 {p99,8:N0} us");
            if (p > 0)
            {
                var ratio = Median(rounds.Select(r => job.ValueOf(r[0]) / job.ValueOf(r[p])));
                var tail = Median(rounds.Select(r => r[0].P99Microseconds / r[p].P99Microseconds));
                line += string.Create(
                    CultureInfo.InvariantCulture, $"   protected / it {ratio:0.00}, p99 {tail:0.00}");
            }

            output.WriteLine(line);
        }

        output.Flush();
    }

    private static double Median(IEnumerable<double> values)
    {
        var sorted = values.Order().ToArray();
        return sorted[sorted.Length / 2];
    }

    /// <summary>Makes a file without holes and without zeroes, so that every job touches real blocks.</summary>
    private static void Fill(string path)
    {
        using var file = File.Create(path);
        var block = new byte[1 << 20];
        new Random(1).NextBytes(block);
        for (var written = 0L; written < FileSize; written += block.Length)
        {
            file.Write(block);
        }
    }
}
