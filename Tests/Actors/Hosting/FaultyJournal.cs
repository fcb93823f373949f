using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.Actors.Hosting;

/// <summary>A journal in front of another that holds appends back or misreports them.</summary>
internal sealed class FaultyJournal(IEventJournal inner) : IEventJournal
{
    /// <summary>Called before an append reaches the store; its task holds the append back.</summary>
    public Func<AppendRequest, Task>? Before { get; set; }

    /// <summary>Called with what the store answered.</summary>
    public Func<AppendRequest, AppendOutcome, AppendOutcome>? After { get; set; }

    public async ValueTask<AppendOutcome> AppendAsync(AppendRequest request, CancellationToken cancellationToken)
    {
        if (Before is { } before)
        {
            await before(request);
        }

        var outcome = await inner.AppendAsync(request, cancellationToken);
        return After?.Invoke(request, outcome) ?? outcome;
    }

    public ValueTask<StreamSlice> ReadStreamAsync(
        PersistenceId id, StreamHead after, int maxEvents, CancellationToken cancellationToken) =>
        inner.ReadStreamAsync(id, after, maxEvents, cancellationToken);

    public ValueTask<IReadOnlyList<FeedEvent>> ReadFeedAsync(
        FeedPosition after, int maxEvents, CancellationToken cancellationToken) =>
        inner.ReadFeedAsync(after, maxEvents, cancellationToken);

    public ValueTask<CommandRecord?> FindCommandAsync(
        PersistenceId id, CommandId commandId, CancellationToken cancellationToken) =>
        inner.FindCommandAsync(id, commandId, cancellationToken);

    public ValueTask<IReadOnlyList<PersistenceId>> ListAsync(string type, CancellationToken cancellationToken) =>
        inner.ListAsync(type, cancellationToken);
}
