using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.Actors.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

public sealed class EffectTests
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
    public async Task Effects_owed_at_a_stop_are_carried_out_after_the_start()
    {
        var stores = Memory();
        await using (var engine = await StartAsync(stores))
        {
            await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
            await engine["b"].AskAsync(new CounterCommand.Add(1), Command(1), "me", default);
        }

        var handler = new Handler();
        await using var later = await StartAsync(stores, effects: handler);
        var call = await handler.NextAsync();

        Assert.Equal(("a", "work-w"), (call.Id.Entity, call.Effect.Id.Value));
        Assert.Equal(1, later.ActiveCounters);
        call.Finish.SetResult();
    }

    [Fact, Trait("Req", "ERR-1")]
    public async Task A_failed_effect_is_tried_again_as_long_as_it_is_owed()
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
    public async Task A_running_effect_is_not_started_twice_and_is_cancelled_by_a_stop()
    {
        var handler = new Handler();
        FaultyJournal? journal = null;
        var engine = await StartAsync(Memory(inner => journal = new FaultyJournal(inner)), effects: handler);
        await engine["a"].AskAsync(new CounterCommand.StartWork("w"), Command(1), "me", default);
        var call = await handler.NextAsync();

        // The entity is loaded again, and names what it owes once more.
        await engine["a"].AskAsync(new CounterCommand.Explode(), Command(2), "me", default);
        await engine["a"].StateAsync(default);
        await engine.DisposeAsync();

        Assert.True(call.Cancellation.IsCancellationRequested);
        Assert.Equal(1, handler.Calls);
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
