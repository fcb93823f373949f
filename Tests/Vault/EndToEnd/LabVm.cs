using System.Globalization;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>One protected VM of a lab: its disks, its base images and the machine that writes.</summary>
internal sealed class LabVm(
    Lab lab, string name, IReadOnlyList<string> disks, NumberedWriter writer, IReadOnlyList<byte[]>? bases = null)
{
    /// <summary>
    /// How long a machine of these tests waits after each write: so long that the changes of many seconds fit into the
    /// half of a small disk that the log may hold.
    /// </summary>
    public static readonly TimeSpan Pace = TimeSpan.FromMilliseconds(8);

    public string Name => name;

    public IReadOnlyList<string> Disks => disks;

    public NumberedWriter Writer => writer;

    /// <summary>The disks before the first write of <see cref="Writer"/>.</summary>
    public IReadOnlyList<byte[]> Bases { get; } = bases ?? [.. disks.Select(File.ReadAllBytes)];

    /// <summary>
    /// Makes the disks; protects nothing yet. Without a pace of its own the machine has <see cref="Pace"/>.
    /// </summary>
    public static LabVm Make(Lab lab, string name, int disks, int mebibytes, int depth = 8, int? paceMs = null)
    {
        var seed = name.Sum(c => c);
        var paths = Enumerable.Range(0, disks).Select(i =>
            lab.MakeDisk($"{name}-{i}.img", mebibytes << 20, seed + i)).ToList();
        return new LabVm(
            lab, name, paths, new NumberedWriter(seed, depth, TimeProvider.System,
                paceMs is { } ms ? TimeSpan.FromMilliseconds(ms) : Pace));
    }

    /// <summary>Protects it and waits until it is protected.</summary>
    public async Task ProtectAsync()
    {
        await lab.AskAsync(["protect", name, .. disks.SelectMany(d => new[] { "--disk", d })]);
        await IsAsync("protected");
    }

    /// <summary>The URIs of the source's disks, once all are served.</summary>
    public async Task<IReadOnlyList<string>> SourceUrisAsync()
    {
        var view = await lab.UntilViewAsync(name, "the source's disks are served", v =>
            (bool)v["source"]!["connected"]! && v["source"]!["disks"]!.AsArray() is { Count: > 0 } served
            && served.All(d => d!["uri"] is not null));
        return Uris(view["source"]!);
    }

    /// <summary>Starts the machine on the source's disks.</summary>
    public async Task WriteAsync() => writer.Start(await SourceUrisAsync());

    /// <summary>Waits until so many more writes were acknowledged.</summary>
    public Task MoreAsync(int count)
    {
        var goal = writer.AcknowledgedCount + count;
        return lab.UntilAsync($"{count} more writes to {name}", () =>
            Task.FromResult(writer.AcknowledgedCount >= goal));
    }

    public Task<JsonNode> IsAsync(string phase, int seconds = Lab.Patience) =>
        lab.UntilViewAsync(name, $"phase {phase}", v => (string?)v["phase"] == phase, seconds);

    /// <summary>Waits until replication is in sync and nothing lags.</summary>
    public Task<JsonNode> InSyncAsync(int seconds = Lab.Patience) => lab.UntilViewAsync(
        name, "in sync",
        v => (string?)v["phase"] == "protected" && (bool)v["source"]!["connected"]!
            && (long)v["source"]!["dirtyBytes"]! == 0
            && (string?)v["source"]!["capture"] == "logging"
                && v["operations"]!.AsArray().Any(o => (string?)o == "make-point"),
        seconds);

    /// <summary>Makes a point and answers its id.</summary>
    public async Task<string> PointAsync() =>
        (string)(await lab.AskAsync("point", name))["point"]!["id"]!;

    /// <summary>The source's disks as they are now, read behind the agent's back.</summary>
    public IReadOnlyList<byte[]> SourceImages() => [.. disks.Select(File.ReadAllBytes)];

    /// <summary>Every acknowledged write is on the source.</summary>
    public void SourceIsComplete(string what) => WriteOrderCheck.Complete(Bases, SourceImages(), writer.Writes, what);

    /// <summary>Tests a failover to a point, answers the images, cleans up.</summary>
    public async Task<IReadOnlyList<byte[]>> TestImagesAsync(string point)
    {
        var test = await lab.AskAsync("failover", name, "--kind", "test", "--point", point);
        var images = Uris(test).Select(NbdImages.Read).ToList();
        await lab.AskAsync("cleanup", name);
        return images;
    }

    /// <summary>Every usable point is a prefix of the acknowledged order; answers how many there were.</summary>
    public async Task<int> PointsArePrefixesAsync(int newest)
    {
        var points = (await lab.AskAsync("points", name)).AsArray().Where(p =>
            (bool)p!["usable"]!).Take(newest).ToList();
        foreach (var point in points)
        {
            var id = (string)point!["id"]!;
            WriteOrderCheck.Prefix(Bases, await TestImagesAsync(id), writer.Writes, $"point {id} of {point["time"]}");
        }

        return points.Count;
    }

    /// <summary>The URIs of disks in a result.</summary>
    public static List<string> Uris(JsonNode result) => [.. result["disks"]!.AsArray().Select(d => (string)d!["uri"]!)];

    /// <summary>Changed bytes that the source has shipped since its agent started.</summary>
    public async Task<long> ShippedAsync() => (long)(await lab.ViewAsync(name))["source"]!["changedBytes"]!;

    /// <summary>A failover's point lost nothing older than it says (I21).</summary>
    public static void LossIsHonest(IEnumerable<NumberedWrite> missing, JsonNode failover, DateTimeOffset asked)
    {
        var time = DateTimeOffset.Parse((string)failover["point"]!["time"]!, CultureInfo.InvariantCulture);
        var bound = asked - TimeSpan.FromSeconds((double)failover["rpoSeconds"]!) - TimeSpan.FromMilliseconds(1);
        foreach (var lost in missing.Where(w => w.Acknowledged is not null))
        {
            Assert.True(lost.AcknowledgedAt >= time,
                $"write {lost.Number} of {lost.AcknowledgedAt:O} is lost, but the point is of {time:O}");
            Assert.True(lost.AcknowledgedAt >= bound,
                $"write {lost.Number} of {lost.AcknowledgedAt:O} is lost, but the bound is {bound:O}");
        }
    }
}
