using System.Globalization;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Machines;
using ReplicationEngine.Chaos.Runs;
using ReplicationEngine.Chaos.Sites;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;

namespace ReplicationEngine.Chaos.Checks;

/// <summary>Checks recovery points through test failovers, as a user would.</summary>
internal sealed class PointChecks(TwoSites sites, Ledger ledger)
{
    private static readonly TimeSpan PointLimit = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Checks a resting machine at the source: its disks are complete (I2), a new point equals them (I11), a point that
    /// was made under writes is a prefix (I4), an old one is unchanged (I6), and none is missing (I25).
    /// </summary>
    /// <param name="machine">The machine; no client writes to it.</param>
    /// <param name="random">Chooses among the points.</param>
    /// <param name="unseen">The maximum number of points to check that were never read, the newest first.</param>
    public async Task JudgeAsync(Machine machine, Random random, int unseen)
    {
        var made = await MakePointAsync(machine);
        var source = machine.SourceImages();
        machine.IsComplete(source, $"{machine.Name}, the source's disks");
        var images = await TestAsync(machine, made);
        for (var disk = 0; disk < images.Count; disk++)
        {
            ledger.Check("I11", () => WriteOrderCheck.Equal(
                source[disk], images[disk], $"{machine.Name}, disk {disk} of point {made} against the source"));
        }

        machine.Points[made] = Machine.Hash(images);
        await JudgeOlderAsync(machine, made, random, unseen);
    }

    /// <summary>Starts a test failover to a point, reads the disks and cleans up.</summary>
    public async Task<IReadOnlyList<byte[]>> TestAsync(Machine machine, string point)
    {
        var test = await sites.Drctl.AskAsync("failover", machine.Name, "--kind", "test", "--point", point);
        var uris = Machine.Uris(test)
            ?? throw new ViolationException("I23", $"{machine.Name}: the test of point {point} has no disks");
        var images = await ReadAsync(uris, $"{machine.Name}, point {point}");
        await sites.Drctl.AskAsync("cleanup", machine.Name);
        ledger.Check("I23", !uris.Any(IsServed), $"{machine.Name}: a disk of a test is served after its clean-up");
        ledger.Compared();
        ledger.Did("test failover");
        return images;
    }

    /// <summary>Reads disks.</summary>
    /// <exception cref="ViolationException">A disk cannot be read.</exception>
    public static async Task<IReadOnlyList<byte[]>> ReadAsync(IReadOnlyList<string> uris, string what)
    {
        try
        {
            return await Task.Run(() => uris.Select(NbdImages.Read).ToList());
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            throw new ViolationException("I4", $"{what} cannot be read: {e.Message}");
        }
    }

    private static bool IsServed(string uri)
    {
        try
        {
            NbdImages.Open(uri).Dispose();
            return true;
        }
        catch (Exception e) when (e is IOException or SocketException or InvalidDataException)
        {
            return false;
        }
    }

    private static bool IsOfThisLife(Machine machine, JsonNode point) => DateTimeOffset.Parse(
        (string)point["time"]!, CultureInfo.InvariantCulture) > machine.Began;

    /// <summary>
    /// Makes a point of a resting machine. If its log filled just before it came to rest, the point is refused until a
    /// resync is done, and is made after it.
    /// </summary>
    /// <exception cref="ViolationException">The point is refused for another reason, or not made in time.</exception>
    private async Task<string> MakePointAsync(Machine machine)
    {
        string? id = null;
        await sites.UntilAsync(
            $"a point of {machine.Name}, at rest", async () => (id = await TryMakePointAsync(machine)) is not null,
            PointLimit, CancellationToken.None);
        return id!;
    }

    private async Task<string?> TryMakePointAsync(Machine machine)
    {
        await sites.UntilViewAsync(
            machine.Name, "in sync, at rest", Calm.IsInStep, PointLimit, CancellationToken.None);
        var result = await sites.Drctl.RunAsync("point", machine.Name);
        if (result is { Code: 0, Answer: { } answer })
        {
            return (string)answer["point"]!["id"]!;
        }

        return result.Said.Contains("a resync comes first", StringComparison.Ordinal) ? null
            : throw new ViolationException(
                "recovery", $"`drctl point {machine.Name}` exited with {result.Code}: {result.Said.Trim()}");
    }

    private async Task JudgeOlderAsync(Machine machine, string made, Random random, int unseen)
    {
        var listed = (await sites.Drctl.AskAsync("points", machine.Name)).AsArray().Select(point => point!).ToList();
        foreach (var point in listed)
        {
            ledger.Check("I25", (bool)point["usable"]!,
                $"{machine.Name}: point {point["id"]} is not usable: {point["reason"]}");
        }

        var ids = listed.Select(point => (string)point["id"]!).ToHashSet(StringComparer.Ordinal);
        foreach (var id in machine.Points.Keys)
        {
            ledger.Check("I25", ids.Contains(id), $"{machine.Name}: point {id} was listed and no longer exists");
        }

        foreach (var point in listed.Where(p => !machine.Points.ContainsKey((string)p["id"]!)
            && IsOfThisLife(machine, p)).Take(unseen))
        {
            var id = (string)point["id"]!;
            var images = await TestAsync(machine, id);
            ledger.Check("I4", () => WriteOrderCheck.Prefix(
                machine.Bases, images, machine.Writer.Writes, $"{machine.Name}, point {id} of {point["time"]}"));
            machine.Points[id] = Machine.Hash(images);
        }

        var old = machine.Points.Keys.Where(id => id != made).Order(StringComparer.Ordinal).ToList();
        if (old.Count > 0)
        {
            var id = old[random.Next(old.Count)];
            var hash = Machine.Hash(await TestAsync(machine, id));
            ledger.Check("I6", hash == machine.Points[id],
                $"{machine.Name}: point {id} has other bytes than when it was first read");
        }
    }
}
