using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

public sealed class Effects_of_an_engine
{
    [Fact]
    public async Task An_effect_is_carried_out_beside_the_entity_which_goes_on_serving()
    {
        var handler = new Handler();
        await using var engine = await StartAsync(effects: handler);
        await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
        var call = await handler.NextAsync();

        Assert.IsType<CommandReply.Accepted>(
            await engine["a"].AskAsync(new CounterCommand.Add(1), Command(2), "me", default));
        var reply = await call.Sink.AskAsync(new CounterCommand.RecordWorkDone("w"), Command(3), "engine", default);
        call.Finish.SetResult();

        Assert.IsType<CommandReply.Accepted>(reply);
        Assert.Empty((await engine["a"].StateAsync(default)).State.Work);
    }

    [Fact]
    public async Task Effects_outstanding_at_a_stop_are_run_after_the_start()
    {
        var store = new MemoryStore();
        await using (var engine = await StartAsync(store))
        {
            await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
            await engine["b"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default);
        }

        var handler = new Handler();
        await using var later = await StartAsync(store, effects: handler);
        var call = await handler.NextAsync();

        Assert.Equal(("a", "work-w"), (call.Id.Entity, call.Effect.Id.Value));
        Assert.Equal(1, later.ActiveCounters);
        call.Finish.SetResult();
    }

    [Fact, Trait("Req", "ERR-1")]
    public async Task A_failed_effect_is_tried_again_as_long_as_it_is_outstanding()
    {
        var time = new ManualTime();
        var handler = new Handler();
        await using var engine = await StartAsync(effects: handler, time: time);
        await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
        (await handler.NextAsync()).Finish.SetException(new InvalidDataException("first"));
        var second = await AdvanceUntil(time, handler.NextAsync());
        await second.Sink.AskAsync(new CounterCommand.RecordWorkDone("w"), Command(2), "engine", default);
        second.Finish.SetException(new InvalidDataException("after it was recorded"));
        await engine["a"].AskAsync(new CounterCommand.StartWork("other"), Command(3), "me", default);
        var third = await AdvanceUntil(time, handler.NextAsync());

        Assert.Equal("work-other", third.Effect.Id.Value);
        Assert.Equal(3, handler.Calls);
        third.Finish.SetResult();
    }

    [Fact]
    public async Task An_effect_of_an_entity_that_is_recovered_again_begins_when_its_former_run_has_ended()
    {
        var handler = new Handler();
        var engine = await StartAsync(effects: handler);
        await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
        var first = await handler.NextAsync();

        await engine["a"].AskAsync(new CounterCommand.Explode(), Command(2), "me", default);
        var second = await handler.NextAsync();
        Assert.True(first.Cancellation.IsCancellationRequested);
        Assert.False(second.Cancellation.IsCancellationRequested);

        await engine.DisposeAsync();
        Assert.True(second.Cancellation.IsCancellationRequested);
        Assert.Equal(2, handler.Calls);
    }

    [Fact]
    public async Task An_effect_that_is_outstanding_no_longer_is_cancelled()
    {
        var handler = new Handler();
        await using var engine = await StartAsync(effects: handler);
        await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
        var call = await handler.NextAsync();

        await engine["a"].AskAsync(new CounterCommand.RecordWorkDone("w"), Command(2), "somebody else", default);

        await Eventually.HoldsAsync(() => call.Cancellation.IsCancellationRequested);
    }

    [Fact]
    public async Task An_effect_that_has_told_its_outcome_is_not_cancelled_and_may_tell_more()
    {
        var handler = new Handler();
        await using var engine = await StartAsync(effects: handler);
        await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
        var call = await handler.NextAsync();

        using var untouched = call.Cancellation.Register(() => call.Finish.TrySetCanceled());
        await call.Sink.AskAsync(new CounterCommand.RecordWorkDone("w"), Command(2), "engine", call.Cancellation);

        // The entity's word that the effect is outstanding no longer has arrived once a later effect has begun.
        await engine["a"].AskAsync(new CounterCommand.StartWork("x"), Command(3), "me", default);
        var later = await handler.NextAsync();
        await call.Sink.AskAsync(new CounterCommand.Add(1), Command(4), "engine", call.Cancellation);
        call.Finish.TrySetResult();
        later.Finish.TrySetResult();

        Assert.False(call.Cancellation.IsCancellationRequested);
        Assert.Equal(1, (await engine["a"].StateAsync(default)).State.Total);
        Assert.Equal(2, handler.Calls);
    }

    private static async Task<Call> AdvanceUntil(ManualTime time, Task<Call> next)
    {
        while (!next.IsCompleted)
        {
            time.Advance(TimeSpan.FromSeconds(1));
            await Task.Yield();
        }

        return await next;
    }

    private sealed record Call(
        PersistenceId Id,
        Effect Effect,
        IEntityCommandSink<CounterCommand> Sink,
        TaskCompletionSource Finish,
        CancellationToken Cancellation);

    private sealed class Handler : IEffectHandler<CounterCommand>
    {
        private readonly System.Threading.Channels.Channel<Call> _calls =
            System.Threading.Channels.Channel.CreateUnbounded<Call>();

        private int _count;

        public int Calls => Volatile.Read(ref _count);

        public Task<Call> NextAsync() => _calls.Reader.ReadAsync().AsTask();

        public async ValueTask HandleAsync(
            PersistenceId id,
            Effect effect,
            IEntityCommandSink<CounterCommand> sink,
            CancellationToken cancellationToken)
        {
            Interlocked.Increment(ref _count);
            var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _calls.Writer.TryWrite(new Call(id, effect, sink, finish, cancellationToken));
            await finish.Task.WaitAsync(cancellationToken);
        }
    }
}
