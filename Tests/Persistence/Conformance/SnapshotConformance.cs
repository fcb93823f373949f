using ReplicationEngine.Actors.Journaling;
using static ReplicationEngine.Tests.Persistence.Conformance.StoreHarness;

namespace ReplicationEngine.Tests.Persistence.Conformance;

/// <summary>What every snapshot store must do.</summary>
public abstract class SnapshotConformance : IDisposable
{
    private readonly StoreHarness _store;

    private protected SnapshotConformance(StoreHarness store) => _store = store;

    public void Dispose()
    {
        _store.Dispose();
        GC.SuppressFinalize(this);
    }

    [Fact]
    public async Task There_is_none_at_first() => Assert.Null(await _store.Snapshots.LoadAsync(Id(), default));

    [Fact]
    public async Task The_newest_is_kept_whatever_the_order_of_saving()
    {
        var token = await _store.OwnAsync();
        var first = await _store.AppendAsync(Id(), token, 1);
        var second = await _store.AppendAsync(Id(), token, 2);
        await _store.Snapshots.SaveAsync(StoredSnapshot.Create(Id(), 7, second, [2, 2]), default);
        await _store.Snapshots.SaveAsync(StoredSnapshot.Create(Id(), 7, first, [1]), default);
        _store.Reopen();

        var snapshot = await _store.Snapshots.LoadAsync(Id(), default);
        Assert.NotNull(snapshot);
        Assert.Equal((second, 7), (snapshot.Head, snapshot.Version));
        Assert.Equal([2, 2], snapshot.Payload);
        Assert.True(snapshot.IsIntact);
        Assert.Null(await _store.Snapshots.LoadAsync(Id("other"), default));
    }
}

public sealed class InMemorySnapshotTests() : SnapshotConformance(new InMemoryHarness());

public sealed class SqliteSnapshotTests() : SnapshotConformance(new SqliteHarness());
