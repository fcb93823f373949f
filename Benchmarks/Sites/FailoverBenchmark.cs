using System.Globalization;

namespace ReplicationEngine.Benchmarks.Sites;

/// <summary>
/// The time from the request for a test failover until its disks are served, for an 8 GiB and a 64 GiB disk. Limit: a
/// failover must not touch the disk's bytes, so both sizes must take the same time.
/// </summary>
internal static class FailoverBenchmark
{
    /// <summary>Measures both sizes and prints medians.</summary>
    public static void Run(TextWriter output, bool quick)
    {
        var rounds = quick ? 3 : 5;
        output.WriteLine($"Failover: seconds until the recovered disk is served, medians of {rounds}");
        foreach (var gibibytes in new[] { 8L, 64L })
        {
            var directory = Directory.CreateTempSubdirectory("failover-bench-");
            try
            {
                var seconds = Measure(directory.FullName, gibibytes << 30, rounds);
                output.WriteLine(string.Create(
                    CultureInfo.InvariantCulture,
                        $"  {gibibytes,3} GiB sparse {seconds,8:0.000} s (limit 1 s: {seconds:0.00})"));
                output.Flush();
            }
            finally
            {
                directory.Delete(recursive: true);
            }
        }
    }

    private static double Measure(string directory, long size, int rounds)
    {
        var image = Path.Combine(directory, "source.img");
        SampleImage.Make(image, 256 << 20);
        using (var file = File.OpenWrite(image))
        {
            file.SetLength(size);
        }

        using var site = new ProtectedSite(directory);
        site.Run("protect", "vm", "--disk", image);
        var times = new List<double>();
        for (var round = 0; round < rounds; round++)
        {
            times.Add((double)site.Run("failover", "vm", "--kind", "test")["rtoSeconds"]!);
            site.Run("cleanup", "vm");
        }

        times.Sort();
        return times[times.Count / 2];
    }
}
