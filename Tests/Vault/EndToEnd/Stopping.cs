using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>Both processes end in order when they are asked to, whatever is connected.</summary>
public sealed class Stopping : IDisposable
{
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task A_service_ends_the_streams_of_its_agents_and_comes_back_with_the_same_state()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await vm.WriteAsync();
        await vm.MoreAsync(50);
        var began = TimeProvider.System.GetTimestamp();
        Assert.Equal(0, _lab.Service!.Stop());
        Assert.InRange(TimeProvider.System.GetElapsedTime(began).TotalSeconds, 0, 15);
        await vm.MoreAsync(50);
        await _lab.StartServiceAsync();
        await vm.InSyncAsync();
        vm.Writer.Stop();
        Assert.NotEqual(0, await vm.PointsArePrefixesAsync(newest: 2));
        Assert.Equal(0, _lab.Agent!.Stop());
    }
}
