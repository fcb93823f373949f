using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// The effects of one machine's entity: the product's runner carries each one out after the time that the way to the
/// agent and back takes.
/// </summary>
internal sealed class VmEffects(VmModel vm)
{
    private static readonly TimeSpan Local = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<EffectId, CancellationTokenSource> _outstanding = [];

    /// <summary>Starts one.</summary>
    public void Start(ProtectedVmEffect effect)
    {
        var takes = effect is ProtectedVmEffect.PrepareFailover or ProtectedVmEffect.SwitchRecoveredPoint
            or ProtectedVmEffect.StartTestFailover ? vm.World.Scenario.Assumptions.PrepareFailover
            : Local + (2 * vm.Link.Quality.Latency);
        var running = new CancellationTokenSource();
        _outstanding[effect.Id] = running;
        vm.World.Queue.After(takes, () =>
        {
            if (!running.IsCancellationRequested)
            {
                OutageWorld.Watch(RunAsync(effect, running));
            }
        });
    }

    /// <summary>One is outstanding no longer.</summary>
    public void Cancel(EffectId effect)
    {
        if (_outstanding.Remove(effect, out var running))
        {
            running.Cancel();
        }
    }

    /// <summary>The service went down: what it was about to do it will be asked for again.</summary>
    public void ServiceStopped()
    {
        foreach (var effect in _outstanding.Keys.ToList())
        {
            Cancel(effect);
        }
    }

    private async Task RunAsync(ProtectedVmEffect effect, CancellationTokenSource running)
    {
        try
        {
            vm.Observe();
            await vm.World.Service!.Effects.RunAsync(vm.Plan.Name, effect, vm.TellAsync, running.Token);
        }
        catch (OperationCanceledException) when (running.IsCancellationRequested)
        {
            vm.Log.EffectsCancelled++;
        }
        finally
        {
            if (_outstanding.GetValueOrDefault(effect.Id) == running)
            {
                _outstanding.Remove(effect.Id);
            }

            running.Dispose();
        }
    }
}
