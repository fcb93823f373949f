using Microsoft.Extensions.Logging;
using ReplicationEngine.Agent.Serving;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicaStore;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Vault.Target;

/// <summary>
/// The target side of one VM: its replica, the session that feeds it, the copies that are served from it, and after a
/// failover the session that feeds the source back. Operations come one at a time (the effect handler's gate); sessions
/// and views run beside them.
/// </summary>
/// <remarks>
/// <see cref="_life"/> guards which store, machines and session there are; it is held only to look or to exchange them.
/// </remarks>
internal sealed partial class TargetVolume : IAsyncDisposable
{
    /// <summary>The replica's directory in the VM's.</summary>
    public const string StoreDirectory = "replica";

    private const string TestName = "test";
    private const string LiveName = "live";

    private readonly Lock _life = new();
    private readonly string _vm;
    private readonly FileStorageDirectory _directory;
    private readonly byte[] _key;
    private readonly DiskServer _server;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly Action _changed;
    private readonly DateTimeOffset _countedSince;
    private ReplicaStore? _store;
    private long _factsTold;

    /// <summary>Takes the directory; opens nothing.</summary>
    public TargetVolume(
        string vm, string directory, byte[] key, DiskServer server, TimeProvider time, ILogger logger, Action changed)
    {
        _vm = vm;
        _directory = new FileStorageDirectory(directory);
        _key = key;
        _server = server;
        _time = time;
        _logger = logger;
        _changed = changed;
        _countedSince = time.GetUtcNow();
    }

    /// <summary>The replica; null before it was prepared.</summary>
    public ReplicaStore? Store
    {
        get
        {
            lock (_life)
            {
                return _store;
            }
        }
    }

    /// <summary>Why the replica that is there cannot be opened and none of its points be used; null while it
    /// can.</summary>
    public string? LostBecause { get; private set; }

    /// <summary>Creates the replica, or opens the one that is there.</summary>
    /// <exception cref="ReplicaCorruptException">What is there is damaged; see <see cref="LostBecause"/>.</exception>
    public Task PrepareAsync(IReadOnlyList<DiskSpec> disks, Term term, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        lock (_life)
        {
            try
            {
                _store ??= ReplicaStore.Exists(_directory.Subdirectory(StoreDirectory))
                    ? ReplicaStore.Open(_directory.Subdirectory(StoreDirectory))
                    : ReplicaStore.Create(
                        _directory.Subdirectory(StoreDirectory), new ProtectedVmId(_vm), disks, term);
                LostBecause = null;
            }
            catch (ReplicaCorruptException e)
            {
                LostBecause = e.Message;
                throw;
            }
        }

        return Task.CompletedTask;
    }

    /// <summary>Whether the point exists.</summary>
    public bool HasPoint(RecoveryPointId point) => Opened().Points.Any(p => p.Id == point);

    /// <summary>Seals everything received as a point.</summary>
    public void SealNow(RecoveryPointId point) =>
        Opened().SealNow(point, CompleteAsOf(), PointConsistency.Crash);

    /// <summary>Drops points; those that are not there are dropped already.</summary>
    public void Prune(IEnumerable<RecoveryPointId> points)
    {
        var store = Opened();
        store.Prune([.. points.Where(id => store.Points.Any(p => p.Id == id))]);
    }

    /// <summary>Makes the point the replica's newest content and drops the others (FOV-4).</summary>
    public void Settle(RecoveryPointId point)
    {
        var store = Opened();
        store.Rewind(point);
        store.Prune([.. store.Points.Select(p => p.Id).Where(id => id != point)]);
    }

    /// <summary>Refuses senders of a smaller term from now on.</summary>
    public void AcceptTerm(Term term) => Opened().Fence(term);

    /// <summary>
    /// One bounded piece of the store's background work; false when there was none. What it found out (a grade, damage)
    /// is told as a change. Called by one task only.
    /// </summary>
    public bool Maintain()
    {
        var worked = false;
        if (Store is { } store)
        {
            worked = store.Maintain(MaintenanceBudget);
            if (store.FactsAfter(_factsTold) is [.., var newest])
            {
                _factsTold = newest.Number;
                _changed();
            }
        }

        Peek(LiveName)?.Source?.Maintain();
        return worked;
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await EndSessionAsync();
        await CloseMachineAsync(TestName, delete: false);
        await CloseMachineAsync(LiveName, delete: false);
        lock (_life)
        {
            _store?.Dispose();
            _store = null;
        }
    }

    private ReplicaStore Opened() => Store ?? throw (LostBecause is { } why
        ? new ReplicaCorruptException(why)
        : new ReplicaRefusedException(ReplicaRefusal.Unavailable, $"The replica of '{_vm}' is not open."));
}
