using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Runs the effects of one machine's entity with the product's runner. Each effect runs after the time that the way to
/// the agent and back takes, or that preparing a failover takes.
/// </summary>
internal sealed class VmEffects(VmModel vm)
{
    private static readonly TimeSpan Local = TimeSpan.FromMilliseconds(50);

    private readonly Dictionary<EffectId, CancellationTokenSource> _outstanding = [];

    /// <summary>Starts an effect.</summary>
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

    /// <summary>Cancels an effect that is no longer outstanding.</summary>
    public void Cancel(EffectId effect)
    {
        if (_outstanding.Remove(effect, out var running))
        {
            running.Cancel();
        }
    }

    /// <summary>
    /// Cancels all effects, because the service went down. The entity requests them again after the next start.
    /// </summary>
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
