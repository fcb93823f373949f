using System.Collections.Concurrent;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The effects of one region that run on this node. An effect that is started again, because its entity was recovered
/// again, begins only after its previous run has ended.
/// </summary>
internal sealed class EffectRuns<TCommand>(
    string type,
    EngineServices services,
    IEffectHandler<TCommand> handler,
    Func<PersistenceId, IEntityCommandSink<TCommand>> sinkOf) : IDisposable
    where TCommand : class
{
    private readonly ConcurrentDictionary<(PersistenceId Id, EffectId Effect), Task> _running = new();
    private readonly CancellationTokenSource _stop = new();

    public EngineServices Services => services;

    public IEffectHandler<TCommand> Handler => handler;

    public CancellationToken Stopping => _stop.Token;

    public EffectRun<TCommand> Create(PersistenceId id, Effect effect) => new(this, id, effect, sinkOf(id));

    /// <summary>Registers a run of an effect and returns the previous run.</summary>
    public Task Replace(PersistenceId id, EffectId effect, Task run)
    {
        services.Telemetry.EffectStarted(type);
        var former = Task.CompletedTask;
        _ = _running.AddOrUpdate((id, effect), run, (_, running) =>
        {
            former = running;
            return run;
        });
        return former;
    }

    /// <summary>Removes a run that has ended.</summary>
    public void Remove(PersistenceId id, EffectId effect, Task run) =>
        _running.TryRemove(KeyValuePair.Create((id, effect), run));

    /// <summary>Cancels all running effects and waits for them to end.</summary>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        await _stop.CancelAsync();
        await Task.WhenAll(_running.Values).WaitAsync(cancellationToken);
    }

    public void Dispose() => _stop.Dispose();
}
