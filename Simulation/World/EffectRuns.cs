using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The effects that run in one life of the service's process, from its start to its death. If an effect is started
/// again because its entity was recovered again, the new run begins after the former one has ended.
/// </summary>
internal sealed class EffectRuns(SimWorld world, EffectTurns turns)
{
    private readonly Dictionary<(string Vm, EffectId Effect), EffectRun> _newest = [];

    /// <summary>Starts a run of an effect.</summary>
    public EffectRun Start(SimVm vm, ProtectedVmEffect effect)
    {
        var run = new EffectRun(world, turns, vm, effect);
        var former = _newest.GetValueOrDefault((vm.Name, effect.Id))?.Ended ?? Task.CompletedTask;
        _newest[(vm.Name, effect.Id)] = run;
        world.Service.After(TimeSpan.FromMilliseconds(1), () => world.Run(
            () => run.GoAsync(former, () => Forget(vm, effect, run)), world.Service));
        return run;
    }

    private void Forget(SimVm vm, ProtectedVmEffect effect, EffectRun run)
    {
        if (ReferenceEquals(_newest.GetValueOrDefault((vm.Name, effect.Id)), run))
        {
            _newest.Remove((vm.Name, effect.Id));
        }
    }
}

/// <summary>
/// One run of an effect. The run is not cancelled while its outcome is being delivered, because the delivery itself may
/// be the reason that the effect is no longer outstanding.
/// </summary>
internal sealed class EffectRun(SimWorld world, EffectTurns turns, SimVm vm, ProtectedVmEffect effect)
{
    private readonly CancellationTokenSource _outstanding =
        CancellationTokenSource.CreateLinkedTokenSource(world.Service.LifeEnds);

    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private bool _telling;
    private bool _cancelled;

    /// <summary>A task that completes when the run has ended.</summary>
    public Task Ended => _ended.Task;

    /// <summary>Cancels the run: the effect is no longer outstanding, or its owner has ended.</summary>
    public void Cancel() => world.Service.After(TimeSpan.Zero, () =>
    {
        _cancelled = true;
        if (!_telling && !_ended.Task.IsCompleted)
        {
            _outstanding.Cancel();
        }
    });

    /// <summary>Runs the effect.</summary>
    /// <param name="former">The end of the effect's former run.</param>
    /// <param name="ended">Called at the end of the run.</param>
    public async Task GoAsync(Task former, Action ended)
    {
        try
        {
            await former;
            _outstanding.Token.ThrowIfCancellationRequested();
            await turns.RunAsync(vm.Name, effect, TellAsync, _outstanding.Token);
        }
        catch (OperationCanceledException) when (_outstanding.IsCancellationRequested)
        {
            world.Trace.Note($"{effect.Kind} is cancelled");
            world.Sometimes.Count(Probes.EffectCancelled);
        }
        finally
        {
            _ended.SetResult();
            _outstanding.Dispose();
            ended();
        }
    }

    private async Task TellAsync(ProtectedVmCommand outcome, CancellationToken ct)
    {
        _telling = true;
        await world.Service.TellAsync(vm, effect, outcome, ct);
        _telling = false;
        if (_cancelled)
        {
            _outstanding.Cancel();
        }
    }
}
