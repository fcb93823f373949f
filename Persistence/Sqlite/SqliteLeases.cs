using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>
/// Leases in the journal's file. They are few, so they stay in memory; the file is locked by this process, so memory
/// and file are the same.
/// </summary>
internal sealed class SqliteLeases : ILeaseStore
{
    private readonly Dictionary<string, Lease> _leases = new(StringComparer.Ordinal);
    private readonly SqliteStatement _save;
    private SqliteWriter? _writer;

    public SqliteLeases(SqliteDatabase database)
    {
        _save = database.Prepare(
            "INSERT INTO leases (name, owner, epoch, expires) VALUES (?1, ?2, ?3, ?4) "
            + "ON CONFLICT (name) DO UPDATE SET owner=?2, epoch=?3, expires=?4");
        var rows = database.Prepare("SELECT name, owner, epoch FROM leases");
        while (rows.Step())
        {
            // This process has the file to itself, so whoever held a lease is gone, even without giving it back. Only
            // the epoch lives on; else a crash of a node whose name changes (a container) would lock the journal for
            // ever.
            _leases[rows.Text(0)] = new Lease(rows.Text(0), rows.Text(1), rows.Int64(2), DateTimeOffset.MinValue);
        }
    }

    /// <summary>The newest epoch; on the writer's thread only.</summary>
    public long EpochOf(string name) => _leases.TryGetValue(name, out var lease) ? lease.Epoch : 0;

    public void Attach(SqliteWriter writer) => _writer = writer;

    /// <inheritdoc/>
    public async ValueTask<LeaseOutcome> AcquireAsync(
        string name, string owner, DateTimeOffset now, DateTimeOffset expiresAt, CancellationToken cancellationToken) =>
        await ChangeAsync(
            () => LeaseRules.Acquire(_leases.GetValueOrDefault(name), name, owner, now, expiresAt), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<LeaseOutcome> RenewAsync(
        Lease lease, DateTimeOffset expiresAt, CancellationToken cancellationToken) =>
        await ChangeAsync(
            () => LeaseRules.Renew(_leases.GetValueOrDefault(lease.Name), lease, expiresAt), cancellationToken);

    /// <inheritdoc/>
    public async ValueTask ReleaseAsync(FencingToken token, CancellationToken cancellationToken)
    {
        var operation = new SimpleOperation<Lease?>(
            () =>
            {
                if (!_leases.TryGetValue(token.Lease, out var held) || held.Epoch != token.Epoch)
                {
                    return null;
                }

                var released = held with { ExpiresAt = DateTimeOffset.MinValue };
                Save(released);
                return released;
            },
            Keep);
        _writer!.Enqueue(operation);
        await operation.Completion.WaitAsync(cancellationToken);
    }

    private async Task<LeaseOutcome> ChangeAsync(Func<LeaseOutcome> judge, CancellationToken cancellationToken)
    {
        var operation = new SimpleOperation<LeaseOutcome>(
            () =>
            {
                var outcome = judge();
                if (outcome is LeaseOutcome.Granted granted)
                {
                    Save(granted.Lease);
                }

                return outcome;
            },
            outcome => Keep((outcome as LeaseOutcome.Granted)?.Lease));
        _writer!.Enqueue(operation);
        return await operation.Completion.WaitAsync(cancellationToken);
    }

    private void Save(Lease lease) =>
        _save.Bind(1, lease.Name).Bind(2, lease.Owner).Bind(3, lease.Epoch).Bind(4, lease.ExpiresAt.UtcTicks).Run();

    private void Keep(Lease? lease)
    {
        if (lease is not null)
        {
            _leases[lease.Name] = lease;
        }
    }
}
