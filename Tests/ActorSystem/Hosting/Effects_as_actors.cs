using System.Threading.Channels;
using Akka.Actor;
using Akka.TestKit;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Tests.TestKit.Counters;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

/// <summary>Effects run in actors of their own, children of their entity's.</summary>
public sealed class Effects_as_actors : EngineTestKit
{
    private readonly Handler _handler = new();

    private static DoWork Work { get; } = new("w") { Id = new EffectId("work-w") };

    private protected override IEffectHandler<CounterCommand> Effects => _handler;

    [Fact]
    public async Task An_effect_is_a_child_of_its_entity_and_ends_when_it_is_outstanding_no_longer()
    {
        var (_, entity) = await TellAsync("a", 1, new CounterCommand.StartWork("w"));
        var call = await _handler.NextAsync();
        var child = await ChildOfAsync(entity);
        Assert.StartsWith("work-w~", child.Path.Name, StringComparison.Ordinal);
        Assert.Equal(entity.Path, child.Path.Parent);
        await WatchAsync(child);

        await AskAsync("a", 2, new CounterCommand.RecordWorkDone("w"));

        await ExpectTerminatedAsync(child);
        Assert.True(call.Cancellation.IsCancellationRequested);
    }

    [Fact]
    public async Task An_effect_ends_with_its_entity_and_begins_anew_with_its_next_actor()
    {
        var (_, entity) = await TellAsync("a", 1, new CounterCommand.StartWork("w"));
        var first = await _handler.NextAsync();
        var child = await ChildOfAsync(entity);
        await WatchAsync(child);

        entity.Tell(StopEntity.Instance);
        await ExpectTerminatedAsync(child);
        Assert.True(first.Cancellation.IsCancellationRequested);
        await StateAsync("a");

        var second = await _handler.NextAsync();
        Assert.False(second.Cancellation.IsCancellationRequested);
        Assert.Equal(Work.Id, second.Effect.Id);
    }

    [Fact]
    public async Task The_message_to_cancel_ends_the_effect_and_its_parent_hears_of_it()
    {
        var (parent, effect) = Start();
        var call = await _handler.NextAsync();
        await WatchAsync(effect);

        effect.Tell(EffectActor.Cancel.Instance);

        await parent.ExpectMsgAsync(new EffectEnded(Work.Id));
        await ExpectTerminatedAsync(effect);
        Assert.True(call.Cancellation.IsCancellationRequested);
    }

    [Fact]
    public async Task An_effect_that_is_done_tells_its_parent_and_ends()
    {
        var (parent, effect) = Start();
        var call = await _handler.NextAsync();
        await WatchAsync(effect);
        Assert.False(parent.HasMessages);

        call.Finish.SetResult();

        await parent.ExpectMsgAsync(new EffectEnded(Work.Id));
        await ExpectTerminatedAsync(effect);
    }

    [Fact]
    public async Task An_effect_that_has_told_its_outcome_is_done_to_its_end_although_it_is_cancelled()
    {
        var (parent, effect) = Start();
        var call = await _handler.NextAsync();
        await WatchAsync(effect);
        await call.Sink.AskAsync(new CounterCommand.Add(1), Command(1), "engine", call.Cancellation);

        effect.Tell(EffectActor.Cancel.Instance);
        await effect.Ask<ActorIdentity>(new Identify(null));
        Assert.False(call.Cancellation.IsCancellationRequested);
        call.Finish.SetResult();

        await parent.ExpectMsgAsync(new EffectEnded(Work.Id));
        await ExpectTerminatedAsync(effect);
    }

    [Fact]
    public async Task An_effect_whose_actor_is_stopped_is_cancelled()
    {
        var (_, effect) = Start();
        var call = await _handler.NextAsync();
        await WatchAsync(effect);

        Sys.Stop(effect);

        await ExpectTerminatedAsync(effect);
        Assert.True(call.Cancellation.IsCancellationRequested);
    }

    /// <summary>An effect whose parent is a probe.</summary>
    private (TestProbe Parent, IActorRef Effect) Start()
    {
        var parent = CreateTestProbe();
        return (parent, parent.ChildActorOf(
            Props.Create<EffectActor<CounterCommand>>(Region.Effects!, IdOf("other"), Work)));
    }

    private async Task<IActorRef> ChildOfAsync(IActorRef entity)
    {
        var probe = CreateTestProbe();
        Sys.ActorSelection(entity.Path / "*").Tell(new Identify(1), probe);
        return (await probe.ExpectMsgAsync<ActorIdentity>()).Subject;
    }

    private sealed record Call(
        Effect Effect,
        IEntityCommandSink<CounterCommand> Sink,
        TaskCompletionSource Finish,
        CancellationToken Cancellation);

    private sealed class Handler : IEffectHandler<CounterCommand>
    {
        private readonly Channel<Call> _calls = Channel.CreateUnbounded<Call>();

        public Task<Call> NextAsync() => _calls.Reader.ReadAsync().AsTask().WaitAsync(TimeSpan.FromSeconds(60));

        public async ValueTask HandleAsync(
            PersistenceId id,
            Effect effect,
            IEntityCommandSink<CounterCommand> sink,
            CancellationToken cancellationToken)
        {
            var finish = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _calls.Writer.TryWrite(new Call(effect, sink, finish, cancellationToken));
            await finish.Task.WaitAsync(cancellationToken);
        }
    }
}
