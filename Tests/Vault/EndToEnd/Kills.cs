using ReplicationEngine.Chaos.Witness.Writes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>SIGKILL at random moments while a machine with two disks writes; the seed stands in every
/// message.</summary>
public sealed class Kills : IDisposable
{
    /// <summary>How many rounds to run.</summary>
    internal static readonly int Rounds = int.Parse(
        Environment.GetEnvironmentVariable("CHAOS_ROUNDS") ?? "2", System.Globalization.CultureInfo.InvariantCulture);

    private static readonly int Seed = int.Parse(
        Environment.GetEnvironmentVariable("CHAOS_SEED") ?? "1", System.Globalization.CultureInfo.InvariantCulture);

    private const int Mebibytes = 32;

    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Theory]
    [InlineData("agent")]
    [InlineData("service")]
    [InlineData("both")]
    [Trait("Req", "I2")]
    [Trait("Req", "I4")]
    [Trait("Req", "I5")]
    [Trait("Req", "I6")]
    [Trait("Req", "I13")]
    public async Task Whatever_is_killed_nothing_acknowledged_is_lost_and_points_are_prefixes(string victim)
    {
        var random = new Random(Seed * 31 + victim.Length);
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 2, Mebibytes, paceMs: 12);
        await vm.ProtectAsync();
        await vm.WriteAsync();
        for (var round = 1; round <= Rounds; round++)
        {
            var what = $"seed {Seed}, {victim} killed, round {round}";
            await vm.MoreAsync(100 + random.Next(300));
            await vm.InSyncAsync();
            await vm.PointAsync();
            await vm.MoreAsync(random.Next(400));
            var (before, written) = (victim == "service" ? await vm.ShippedAsync() : 0, vm.Writer.AcknowledgedCount);
            var resyncs = await ResyncsOfAFullLogAsync();
            await KillAsync(victim, vm, what);
            await vm.InSyncAsync();
            var shipped = await vm.ShippedAsync() - before;
            // A service that was away until the log was full has both disks compared.
            var due = ((vm.Writer.AcknowledgedCount - written + 2000L) * (NumberedWrite.Bytes + 200))
                + ((await ResyncsOfAFullLogAsync() - resyncs) * 2L * Mebibytes << 20);
            Assert.True(shipped < due,
                $"{what}: {shipped} bytes were shipped after the restart for at most {due} of writes");
            await vm.PointAsync();
            Assert.NotEqual(0, await vm.PointsArePrefixesAsync(newest: 2));
        }

        await vm.MoreAsync(100);
        vm.Writer.Stop();
        await vm.PointsArePrefixesAsync(newest: 6);
        var images = await vm.TestImagesAsync(await vm.PointAsync());
        for (var i = 0; i < images.Count; i++)
        {
            WriteOrderCheck.Equal(await File.ReadAllBytesAsync(vm.Disks[i]), images[i],
                $"seed {Seed}, {victim}: disk {i} at the end");
        }

        await _lab.JournalIsSoundAsync();
        if (victim != "agent")
        {
            await _lab.ReadModelsAreTrueAsync();
        }
    }

    // No other reason excuses a comparison.
    private async Task<int> ResyncsOfAFullLogAsync()
    {
        var log = await _lab.RunAsync("log", "web", "--json");
        Assert.True(log.Code == 0, log.Errors);
        return log.Output.Split('\n').Count(line =>
            line.Contains("resync-started", StringComparison.Ordinal)
            && line.Contains("[\"RESYNC_REASON_LOG_HALF_OF_DISK\"]", StringComparison.Ordinal));
    }

    private async Task KillAsync(string victim, LabVm vm, string what)
    {
        if (victim != "agent")
        {
            _lab.Service!.Kill();
        }

        if (victim != "service")
        {
            _lab.Agent!.Kill();
            vm.Writer.Stop();
            if (victim == "both")
            {
                await _lab.StartServiceAsync();
            }

            await _lab.StartAgentAsync();
            await vm.SourceUrisAsync();
            vm.Writer.Settle(vm.SourceImages());
            vm.SourceIsComplete(what);
            await vm.WriteAsync();
        }
        else
        {
            // The guest goes on while there is no service.
            await vm.MoreAsync(50);
            await _lab.StartServiceAsync();
            await _lab.AgentConnectedAsync();
        }

        Assert.Equal(0u, vm.Writer.LastError);
    }
}
