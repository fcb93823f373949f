using System.Globalization;
using System.Text.Json;

namespace ReplicationEngine.Benchmarks.Nbd;

/// <summary>The result of an fio job.</summary>
internal readonly record struct FioResult(double Iops, double MegabytesPerSecond, double P99Microseconds);

/// <summary>An fio job of the benchmark's table.</summary>
internal sealed record FioJob(string Name, string Arguments, bool IsRead, bool ByBandwidth)
{
    /// <summary>The jobs of the table.</summary>
    public static IReadOnlyList<FioJob> All { get; } =
    [
        new("randwrite-4k-qd1", "--rw=randwrite --bs=4k --iodepth=1", false, false),
        new("randwrite-4k-qd32", "--rw=randwrite --bs=4k --iodepth=32", false, false),
        new("randread-4k-qd32", "--rw=randread --bs=4k --iodepth=32", true, false),
        new("randwrite-64k-qd16", "--rw=randwrite --bs=64k --iodepth=16", false, true),
        new("seqwrite-1m", "--rw=write --bs=1m --iodepth=8", false, true),
        new("seqread-1m", "--rw=read --bs=1m --iodepth=8", true, true),
        new("write-flush-4k", "--rw=randwrite --bs=4k --iodepth=1 --fsync=1", false, false),
    ];

    /// <summary>The unit of <see cref="ValueOf"/>.</summary>
    public string Unit => ByBandwidth ? "MB/s" : "IOPS";

    /// <summary>Returns the figure that counts for this job.</summary>
    public double ValueOf(FioResult result) => ByBandwidth ? result.MegabytesPerSecond : result.Iops;

    /// <summary>Runs the job against an NBD URI.</summary>
    public FioResult Run(string uri, int seconds)
    {
        var arguments = string.Create(
            CultureInfo.InvariantCulture,
            $"--name=job --ioengine=nbd --uri={uri} {Arguments} --size=1g --time_based --runtime={seconds} "
            + $"--ramp_time=1 --randrepeat=1 --norandommap --output-format=json");
        var json = OutsideProcess.Capture("fio", arguments);
        using var document = JsonDocument.Parse(json[json.IndexOf('{', StringComparison.Ordinal)..]);
        var job = document.RootElement.GetProperty("jobs")[0];
        var side = job.GetProperty(IsRead ? "read" : "write");
        var percentiles = side.GetProperty("clat_ns").GetProperty("percentile");
        return new FioResult(
            side.GetProperty("iops").GetDouble(),
            side.GetProperty("bw_bytes").GetDouble() / 1e6,
            percentiles.GetProperty("99.000000").GetDouble() / 1e3);
    }
}
