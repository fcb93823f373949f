using System.Runtime.CompilerServices;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>The built-in single-node host: starts and stops the regions, and is the facade.</summary>
internal sealed class EngineHost(IEnumerable<IShardRegion> regions, EngineServices services)
    : IHostedService, IReplicationEngine
{
    private const int EventsPerRead = 1_000;

    private readonly IShardRegion[] _regions = [.. regions];

    /// <inheritdoc/>
    public IEntitySet<TState, TCommand, TEvent> Entities<TState, TCommand, TEvent>()
        where TState : class
        where TCommand : class
        where TEvent : class =>
        _regions.OfType<IEntitySet<TState, TCommand, TEvent>>().FirstOrDefault()
        ?? throw new InvalidOperationException(
            $"No entity type with the state {typeof(TState).Name} is registered; call AddEntity for it.");

    /// <inheritdoc/>
    public async IAsyncEnumerable<FeedEvent> FollowFeedAsync(
        FeedPosition after, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            var more = services.Pulse.Next();
            var events = await ReadFeedAsync(after, EventsPerRead, cancellationToken);
            foreach (var next in events)
            {
                yield return next;
                after = next.Position;
            }

            if (events.Count == 0)
            {
                await more.WaitAsync(cancellationToken);
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        services.Stores.Journal.ReadFeedAsync(after, maxEvents, cancellationToken);

    /// <inheritdoc/>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        foreach (var region in _regions)
        {
            await region.StartAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public async Task StopAsync(CancellationToken cancellationToken)
    {
        foreach (var region in _regions.Reverse())
        {
            await region.StopAsync(cancellationToken);
        }
    }
}
