using System.Diagnostics;
using System.Runtime.CompilerServices;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Sends messages to one entity through its region, and reads its history directly from the journal.</summary>
internal sealed class EntityHandle<TAggregate, TState, TCommand, TEvent>(
    EntityRegion<TAggregate, TState, TCommand, TEvent> region, PersistenceId id)
    : IEntityHandle<TState, TCommand, TEvent>, IEntityCommandSink<TCommand>
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private const int EventsPerRead = 1_000;

    /// <summary>How long a message waits for the reply of one actor: longer than a journal waits for a lock.</summary>
    private static readonly TimeSpan s_attempt = TimeSpan.FromSeconds(20);

    /// <summary>How long a message without a definite reply is sent again.</summary>
    private static readonly TimeSpan s_repeatFor = TimeSpan.FromSeconds(5);

    /// <summary>How long a message waits for the reply in a cluster, where it can be lost with its node.</summary>
    private static readonly TimeSpan s_attemptInCluster = TimeSpan.FromSeconds(5);

    /// <summary>How long a message is sent again in a cluster, until another node has taken the entity over.</summary>
    private static readonly TimeSpan s_repeatInClusterFor = TimeSpan.FromSeconds(30);

    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(20);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public PersistenceId Id => id;

    private static CommandReply.Unavailable NotRunning { get; } =
        new(UnavailableReason.NotRunning, "The engine is not running; start it, or wait until it has started.");

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

    /// <inheritdoc/>
    public async ValueTask<EntityView<TState>> StateAsync(CancellationToken cancellationToken) =>
        View(await AskAsync<object>(ShowState.Instance, cancellationToken));

    /// <inheritdoc/>
    public async ValueTask<EntityView<TState>> LiftQuarantineAsync(CancellationToken cancellationToken)
    {
        if (await AskAsync<object>(LiftQuarantine.Instance, cancellationToken) is CommandReply.Unavailable unavailable)
        {
            throw new EntityUnavailableException(unavailable, unavailable.Message);
        }

        return await StateAsync(cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<RecordedEvent<TEvent>> HistoryAsync(
        long from, long to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var log = region.Services.Store.Log;
        if (to < from || await log.HeadAtAsync(id, Math.Max(from, 1) - 1, cancellationToken) is not { } before)
        {
            yield break;
        }

        await foreach (var stored in ReadAsync(before, to, cancellationToken))
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

    /// <inheritdoc/>
    public ValueTask<EntityView<TState>> StateAtAsync(long sequence, CancellationToken cancellationToken) =>
        FoldAsync(stored => stored.Sequence <= sequence, cancellationToken);

    /// <inheritdoc/>
    public ValueTask<EntityView<TState>> StateAtAsync(DateTimeOffset time, CancellationToken cancellationToken) =>
        FoldAsync(stored => stored.Time <= time, cancellationToken);

    private static EntityView<TState> View(object answer) => answer switch
    {
        EntityView<TState> view => view,
        CommandReply.Quarantined quarantined => throw new EntityUnavailableException(quarantined, quarantined.Cause),
        CommandReply.Unavailable unavailable => throw new EntityUnavailableException(unavailable, unavailable.Message),
        _ => throw new InvalidOperationException($"The reply {answer} is not a view."),
    };

    private ValueTask<CommandReply> SendAsync(
        CommandEnvelope<TCommand> envelope, CancellationToken cancellationToken) =>
        region.Services.Telemetry.Activities.HasListeners()
            ? SendTracedAsync(envelope, cancellationToken)
            : AskAsync<CommandReply>(new TellCommand<TCommand>(envelope), cancellationToken);

    private async ValueTask<CommandReply> SendTracedAsync(
        CommandEnvelope<TCommand> envelope, CancellationToken cancellationToken)
    {
        using var activity = region.Services.Telemetry.Activities.StartActivity("entity.ask");
        activity?.SetTag("entity.id", id.ToString());
        activity?.SetTag("entity.command", envelope.Command.GetType().Name);
        var reply = await AskAsync<CommandReply>(
            new TellCommand<TCommand>(envelope, activity?.Context ?? default), cancellationToken);
        activity?.SetTag("entity.outcome", reply.GetType().Name);
        activity?.SetStatus(reply is CommandReply.Unavailable or CommandReply.Quarantined
            ? ActivityStatusCode.Error
            : ActivityStatusCode.Ok);
        return reply;
    }

    /// <summary>
    /// Sends a message, and sends it again for a while when it was lost with an actor or its outcome is unknown. A
    /// command has one effect however often it arrives.
    /// </summary>
    private async ValueTask<TAnswer> AskAsync<TAnswer>(IEntityMessage letter, CancellationToken cancellationToken)
        where TAnswer : class
    {
        cancellationToken.ThrowIfCancellationRequested();
        var gate = region.Services.AskGate;
        await gate.WaitAsync(cancellationToken);
        try
        {
            var attempt = region.Services.Options.Node is null ? s_attempt : s_attemptInCluster;
            var began = Environment.TickCount64;
            for (var pause = s_firstPause; ; pause = pause * 2 < s_longestPause ? pause * 2 : s_longestPause)
            {
                if (!region.IsOpen)
                {
                    return (TAnswer)(object)NotRunning;
                }

                object answer;
                try
                {
                    answer = await region.AskOnceAsync(id, letter, attempt, cancellationToken);
                }
                catch (TimeoutException)
                {
                    answer = NoAnswer();
                }

                if (answer is not (NotDelivered or CommandReply.Unavailable
                    { Reason: UnavailableReason.JournalUnavailable }))
                {
                    return (TAnswer)answer;
                }

                var repeatFor = region.Services.Options.Node is null || region.Services.WhyWaiting() is not null
                    ? s_repeatFor : s_repeatInClusterFor;
                if (Environment.TickCount64 - began > repeatFor.TotalMilliseconds)
                {
                    return (TAnswer)(object)(answer as CommandReply.Unavailable ?? NoAnswer());
                }

                region.Services.Telemetry.Repeated(id.Type);
                await Task.Delay(pause, TimeProvider.System, cancellationToken);
            }
        }
        finally
        {
            gate.Release();
        }
    }

    private CommandReply.Unavailable NoAnswer()
    {
        var why = region.Services.Trouble.Current is { } trouble
            ? $"the journal has failed since {trouble.Since:O}: {trouble.What}"
            : region.Services.WhyWaiting() is { } waiting ? waiting.TrimEnd('.')
            : "it did not reply in time";
        return new(
            UnavailableReason.JournalUnavailable,
            $"{id} cannot reply: {why}. Resend the command with the same command id to learn its outcome.");
    }

    private async ValueTask<EntityView<TState>> FoldAsync(
        Func<StoredEvent, bool> belongs, CancellationToken cancellationToken)
    {
        var state = TAggregate.Initial;
        var sequence = 0L;
        await foreach (var stored in ReadAsync(StreamHead.Start, long.MaxValue, cancellationToken))
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

    private async IAsyncEnumerable<StoredEvent> ReadAsync(
        StreamHead after, long to, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var head = after;
        StreamSlice slice;
        do
        {
            var most = (int)Math.Clamp(to - head.Sequence, 0, EventsPerRead);
            slice = await region.Services.Store.Log.ReadStreamAsync(id, head, most, cancellationToken);
            foreach (var stored in slice.Events)
            {
                yield return stored;
                head = stored.Head;
            }
        }
        while (!slice.EndOfStream && head.Sequence < to);
    }
}
