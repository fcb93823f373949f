using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;
using Xunit;

namespace ReplicationEngine.Tests.ActorSystem.Hosting;

/// <summary>Snapshots save time and nothing else: without them the stream is read from its start.</summary>
public sealed class Snapshots_that_fail : EngineTestKit
{
    private const int Commands = 5;

    private int _replayed;
    private int _asked;

    private protected override void Build(ReplicationEngineOptions options) => options.SnapshotEvery = 2;

    [Fact]
    public async Task A_snapshot_that_was_saved_spares_the_events_before_it()
    {
        await Snapshots.OnDelete.FailIf((_, _) => !Asked());
        await FillAsync();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _asked) == 2);
        await EndAsync("a");

        // A snapshot's predecessors are deleted when it is saved; the two are of the events 2 and 4.
        Assert.Equal((5L, 5L), View(await CountedStateAsync()));
        Assert.Equal(1, _replayed);
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_saved_costs_nothing_but_reading_more()
    {
        await Snapshots.OnSave.FailIf((_, _) => Asked());

        await FillAsync();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _asked) == 2);
        await EndAsync("a");

        Assert.Equal((5L, 5L), View(await CountedStateAsync()));
        Assert.Equal(Commands, _replayed);
        Assert.Null(Services.Trouble.Current);
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_loaded_costs_nothing_but_reading_more()
    {
        await FillAsync();
        await EndAsync("a");
        await Snapshots.OnLoad.FailIf((_, _) => Asked());

        Assert.Equal((5L, 5L), View(await CountedStateAsync()));
        Assert.Equal(1, _asked);
        Assert.Equal(Commands, _replayed);
        Assert.Equal(new CommandReply.Accepted(6), await AskAsync("a", 6, new CounterCommand.Add(1)));
    }

    [Fact]
    public async Task A_snapshot_that_cannot_be_deleted_disturbs_nobody()
    {
        await Snapshots.OnDelete.FailIf((_, _) => Asked());

        await FillAsync();
        await Eventually.HoldsAsync(() => Volatile.Read(ref _asked) == 2);

        Assert.Equal(new CommandReply.Accepted(6), await AskAsync("a", 6, new CounterCommand.Add(1)));
        await EndAsync("a");
        Assert.Equal((6L, 6L), View(await CountedStateAsync()));
    }

    private static (long, long) View(EntityView<CounterState> view) => (view.State.Total, view.Sequence);

    private bool Asked()
    {
        Interlocked.Increment(ref _asked);
        return true;
    }

    private async Task FillAsync()
    {
        for (var i = 1; i <= Commands; i++)
        {
            Assert.Equal(new CommandReply.Accepted(i), await AskAsync("a", i, new CounterCommand.Add(1)));
        }
    }

    private async Task<EntityView<CounterState>> CountedStateAsync()
    {
        await Journal.OnRecovery.FailIf(_ =>
        {
            Interlocked.Increment(ref _replayed);
            return false;
        });
        return await StateAsync("a");
    }
}
