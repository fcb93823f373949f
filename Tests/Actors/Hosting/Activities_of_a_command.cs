using System.Collections.Concurrent;
using System.Diagnostics;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Tests.TestKit.Counters;
using static ReplicationEngine.Tests.Actors.Hosting.TestEngine;

namespace ReplicationEngine.Tests.Actors.Hosting;

/// <summary>What a trace shows of a command.</summary>
public sealed class Activities_of_a_command : IDisposable
{
    private const string Name = "traced";

    private readonly ConcurrentQueue<Activity> _ended = new();
    private readonly ActivityListener _listener;

    public Activities_of_a_command()
    {
        _listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == "ReplicationEngine",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllData,
            ActivityStopped = activity =>
            {
                if (activity.GetTagItem("entity.id") is $"counter|vault|{Name}")
                {
                    _ended.Enqueue(activity);
                }
            },
        };
        ActivitySource.AddActivityListener(_listener);
    }

    public void Dispose() => _listener.Dispose();

    [Fact]
    public async Task A_command_its_persist_and_the_recovery_before_it_are_told_apart()
    {
        await using var engine = await StartAsync(new MemoryStore());
        await engine[Name].AskAsync(new CounterCommand.Add(1), Command(1), "me", default);
        await engine[Name].AskAsync(new CounterCommand.Add(1), Command(2), "me", default);

        Assert.Single(Of("entity.recover"));
        var asks = Of("entity.ask");
        Assert.Equal(asks.Select(ask => ask.SpanId), Of("entity.persist").Select(persist => persist.ParentSpanId));
        Assert.Equal(["Add", "Add"], asks.Select(ask => ask.GetTagItem("entity.command")));
        Assert.All(_ended, activity => Assert.Equal(ActivityStatusCode.Ok, activity.Status));
    }

    [Fact]
    public async Task A_persist_that_fails_says_why()
    {
        var failures = 1;
        var store = new MemoryStore
        {
            Writing = _ => Interlocked.Decrement(ref failures) >= 0
                ? throw new InvalidOperationException("the disk is gone") : Task.CompletedTask,
        };
        await using var engine = await StartAsync(store);

        Assert.Equal(
            new CommandReply.Accepted(1),
            await engine[Name].AskAsync(new CounterCommand.Add(1), Command(1), "me", default));
        var persists = Of("entity.persist");
        Assert.Equal(
            [ActivityStatusCode.Error, ActivityStatusCode.Ok], persists.Select(persist => persist.Status));
        Assert.Contains("the disk is gone", persists[0].StatusDescription, StringComparison.Ordinal);
        Assert.Equal(2, Of("entity.recover").Count);
    }

    private List<Activity> Of(string name) => [.. _ended.Where(activity => activity.OperationName == name)];
}
