using System.Diagnostics;
using System.Runtime.CompilerServices;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Talks to one entity through its region; reads its history straight from the journal.</summary>
internal sealed class EntityHandle<TAggregate, TState, TCommand, TEvent>(
    ShardRegion<TAggregate, TState, TCommand, TEvent> region, PersistenceId id)
    : IEntityHandle<TState, TCommand, TEvent>, IEntityCommandSink<TCommand>
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private const int EventsPerRead = 1_000;

    /// <inheritdoc/>
    public PersistenceId Id => id;

    /// <inheritdoc/>
    public ValueTask<CommandReply> AskAsync(
        TCommand command, CommandId commandId, string actor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentException.ThrowIfNullOrEmpty(actor);
        return SendAsync(new CommandEnvelope<TCommand>(commandId, actor, command), cancellationToken);
    }

    /// <inheritdoc/>
    public ValueTask<CommandReply> RequestAsync(
        TCommand command, CommandId commandId, string digest, string actor, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(command);
        ArgumentException.ThrowIfNullOrEmpty(digest);
        ArgumentException.ThrowIfNullOrEmpty(actor);
        return SendAsync(new CommandEnvelope<TCommand>(commandId, actor, command, digest), cancellationToken);
    }

    private ValueTask<CommandReply> SendAsync(
        CommandEnvelope<TCommand> envelope, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        var letter = new CommandLetter<TCommand>(envelope);
        if (region.Services.Telemetry.Activities.HasListeners())
        {
            return new ValueTask<CommandReply>(AskTracedAsync(letter, cancellationToken));
        }

        region.Deliver(id, letter);
        return letter.Task.IsCompletedSuccessfully
            ? new ValueTask<CommandReply>(letter.Task.Result)
            : new ValueTask<CommandReply>(letter.Task.WaitAsync(cancellationToken));
    }

    /// <inheritdoc/>
    public async ValueTask<EntityView<TState>> StateAsync(CancellationToken cancellationToken)
    {
        var letter = new ViewLetter<TState>();
        region.Deliver(id, letter);
        return await letter.Task.WaitAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async ValueTask<EntityView<TState>> LiftQuarantineAsync(CancellationToken cancellationToken)
    {
        var letter = new LiftLetter();
        region.Deliver(id, letter);
        await letter.Task.WaitAsync(cancellationToken);
        return await StateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordedEvent<TEvent>> HistoryAsync(
        long from, long to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await foreach (var stored in ReadAsync(cancellationToken))
        {
            if (stored.Sequence > to)
            {
                yield break;
            }

            if (stored.Sequence >= from)
            {
                yield return new RecordedEvent<TEvent>(
                    stored.Sequence,
                    stored.Time,
                    stored.Actor,
                    stored.Name,
                    stored.CommandId,
                    region.Codec.Decode(stored.Name, stored.Payload));
            }
        }
    }

    /// <inheritdoc/>
    public ValueTask<EntityView<TState>> StateAtAsync(long sequence, CancellationToken cancellationToken) =>
        FoldAsync(stored => stored.Sequence <= sequence, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<EntityView<TState>> StateAtAsync(DateTimeOffset time, CancellationToken cancellationToken) =>
        FoldAsync(stored => stored.Time <= time, cancellationToken);

    private async Task<CommandReply> AskTracedAsync(
        CommandLetter<TCommand> letter, CancellationToken cancellationToken)
    {
        using var activity = region.Services.Telemetry.Activities.StartActivity("entity.ask");
        activity?.SetTag("entity.id", id.ToString());
        activity?.SetTag("entity.command", letter.Envelope.Command.GetType().Name);
        region.Deliver(id, letter);
        var reply = await letter.Task.WaitAsync(cancellationToken);
        activity?.SetTag("entity.outcome", reply.GetType().Name);
        activity?.SetStatus(reply is CommandReply.Unavailable or CommandReply.Quarantined
            ? ActivityStatusCode.Error
            : ActivityStatusCode.Ok);
        return reply;
    }

    private async ValueTask<EntityView<TState>> FoldAsync(
        Func<StoredEvent, bool> belongs, CancellationToken cancellationToken)
    {
        var state = TAggregate.Initial;
        var sequence = 0L;
        await foreach (var stored in ReadAsync(cancellationToken))
        {
            if (!belongs(stored))
            {
                break;
            }

            state = TAggregate.Evolve(state, region.Codec.Decode(stored.Name, stored.Payload));
            sequence = stored.Sequence;
        }

        return new EntityView<TState>(state, sequence);
    }

    private async IAsyncEnumerable<StoredEvent> ReadAsync([EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var head = StreamHead.Start;
        StreamSlice slice;
        do
        {
            slice = await region.Services.Stores.Journal.ReadStreamAsync(id, head, EventsPerRead, cancellationToken);
            foreach (var stored in slice.Events)
            {
                yield return stored;
                head = new StreamHead(stored.Sequence, stored.Hash);
            }
        }
        while (!slice.EndOfStream);
    }
}
