using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Tests.TestKit.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

/// <summary>A protected VM in the engine while somebody sets the wall clock.</summary>
public sealed class Points_through_clock_jumps : IAsyncLifetime
{
    private readonly ManualTime _time = new();
    private ServiceProvider _provider = null!;
    private int _commands;

    private IEntityHandle<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> Vm =>
        _provider.GetRequiredService<IReplicationEngine>()
            .Entities<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>().Get(new VaultId("default"), "web-1");

    public async ValueTask InitializeAsync()
    {
        var services = new ServiceCollection();
        services.AddSingleton<TimeProvider>(_time);
        services.AddReplicationEngine()
            .AddEntity<ProtectedVm, ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>(new ProtectedVmCodec())
            .UseInMemory();
        _provider = services.BuildServiceProvider();
        foreach (var hosted in _provider.GetServices<IHostedService>())
        {
            await hosted.StartAsync(CancellationToken.None);
        }

        await TellAsync(Story.Enabling());
        await SucceedAsync(new EffectResult.PrerequisitesMet(Story.Disks));
        await SucceedAsync(new EffectResult.Done());
        await SucceedAsync(new EffectResult.Done());
        await SucceedAsync(new EffectResult.Done());
        await TellAsync(new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, 1000));
        await SucceedAsync(new EffectResult.Done());

        // The first point is asked for as soon as the VM is protected, so before time goes on.
        _time.Advance(TimeSpan.Zero);
        await RequestsAsync(1);
    }

    [Theory]
    [Trait("Req", "I26")]
    [Trait("Req", "RCP-1")]
    [InlineData(0)]
    [InlineData(-3)]
    [InlineData(3)]
    [InlineData(-26)]
    public async Task Are_asked_for_every_five_minutes_whatever_the_wall_clock_says(int hours)
    {
        var asked = new List<long>();
        for (var minute = 0; minute < 60; minute++)
        {
            _time.Advance(TimeSpan.FromMinutes(1));
            if (minute == 12)
            {
                _time.JumpWall(TimeSpan.FromHours(hours));
            }

            if (minute == 33)
            {
                _time.JumpWall(TimeSpan.FromHours(-2 * hours));
            }

            asked.Add(await RequestsAsync(ExpectedBy(minute + 1)));
        }

        Assert.Equal(Enumerable.Range(1, 60).Select(ExpectedBy), asked);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var hosted in _provider.GetServices<IHostedService>())
        {
            await hosted.StopAsync(CancellationToken.None);
        }

        await _provider.DisposeAsync();
    }

    private static long ExpectedBy(int minute) => 1L + (minute / 5);

    /// <summary>How often a point was asked for: at least as often as it must be, as soon as it is.</summary>
    private async Task<long> RequestsAsync(long atLeast)
    {
        var count = 0L;
        await Eventually.HoldsAsync(async token =>
        {
            count = 0;
            await foreach (var recorded in Vm.HistoryAsync(1, long.MaxValue, token))
            {
                count += recorded.Event is ProtectedVmEvent.RecoveryPointRequested ? 1 : 0;
            }

            return count >= atLeast;
        });
        return count;
    }

    private async Task SucceedAsync(EffectResult result)
    {
        var view = await Vm.StateAsync(CancellationToken.None);
        await TellAsync(new ProtectedVmCommand.RecordEffectSucceeded(
            ProtectedVm.Outstanding(view.State)[0].Id, result));
    }

    private async Task TellAsync(ProtectedVmCommand command) => Assert.IsType<CommandReply.Accepted>(
        await Vm.AskAsync(
            command, new CommandId(Story.Numbered(++_commands)), ProtectedVm.EngineActor, CancellationToken.None));
}
