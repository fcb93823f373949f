using System.Collections.Concurrent;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Runs the effects of one region, each on its own, none on an entity's thread. An effect that is running already is
/// not started again; one that fails is tried again as long as its entity owes it.
/// </summary>
internal sealed class EffectDispatcher<TCommand>(
    string type,
    EngineServices services,
    IEffectHandler<TCommand>? handler,
    Func<PersistenceId, IEntityCommandSink<TCommand>> sinkOf,
    Func<PersistenceId, EffectId, CancellationToken, ValueTask<bool>> isOwed) : IDisposable
    where TCommand : class
{
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(60);

    private readonly ConcurrentDictionary<(PersistenceId Id, EffectId Effect), Task> _running = new();
    private readonly CancellationTokenSource _stop = new();

    /// <summary>Starts the effect, unless it runs, nobody handles effects, or the region stops.</summary>
    public void Dispatch(PersistenceId id, Effect effect)
    {
        if (handler is null || _stop.IsCancellationRequested)
        {
            return;
        }

        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (_running.TryAdd((id, effect.Id), finished.Task))
        {
            services.Telemetry.EffectStarted(type);
            ThreadPool.QueueUserWorkItem(
                static work => _ = work.Self.RunAsync(work.Id, work.Effect, work.Finished),
                (Self: this, Id: id, Effect: effect, Finished: finished),
                preferLocal: false);
        }
    }

    /// <summary>Cancels what runs and waits for it.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running.Values).WaitAsync(cancellationToken);
    }

    public void Dispose() => _stop.Dispose();

    private async Task RunAsync(PersistenceId id, Effect effect, TaskCompletionSource finished)
    {
        try
        {
            var delay = TimeSpan.FromSeconds(1);
            while (!await TryAsync(id, effect, delay))
            {
                await Task.Delay(delay, services.Time, _stop.Token);
                if (!await IsOwedAsync(id, effect.Id))
                {
                    return;
                }

                delay = delay * 2 < s_longestDelay ? delay * 2 : s_longestDelay;
            }
        }
        catch (OperationCanceledException) when (_stop.IsCancellationRequested)
        {
            // The effect stays owed in the entity's state and is started again with the region.
        }
        finally
        {
            _running.TryRemove((id, effect.Id), out _);
            finished.SetResult();
        }
    }

    private async Task<bool> TryAsync(PersistenceId id, Effect effect, TimeSpan delay)
    {
        try
        {
            await handler!.HandleAsync(id, effect, sinkOf(id), _stop.Token);
            return true;
        }
        catch (Exception exception) when (!_stop.IsCancellationRequested)
        {
            services.Logger.EffectFailed(id, effect.Id, delay, exception);
            return false;
        }
    }

    private async Task<bool> IsOwedAsync(PersistenceId id, EffectId effect)
    {
        try
        {
            return await isOwed(id, effect, _stop.Token);
        }
        catch (EntityUnavailableException exception)
        {
            // The effect is not run while nobody knows; the entity names it again when it is loaded the next time.
            services.Logger.EffectOwnerUnavailable(id, effect, exception.Message);
            return false;
        }
    }
}
