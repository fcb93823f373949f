using Microsoft.Extensions.Hosting;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// Whether the service lives, and whether it accepts commands now. Anyone may ask, however often: the journal is read
/// at most once a second for all of them, and no reason names a file, a host or a VM.
/// </summary>
internal sealed class Readiness(
    IReplicationEngine engine, TargetReady target, IHostApplicationLifetime life, TimeProvider time)
{
    private static readonly TimeSpan LookEvery = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(2);

    private readonly Lock _lock = new();
    private Task<bool> _journal = Task.FromResult(false);
    private long? _lookedAt;

    /// <summary>
    /// Returns why the process cannot serve again without a restart; empty while it lives.
    /// </summary>
    public IReadOnlyList<ReadinessReason> WhyDead => engine.Cluster.Removed.IsCompleted
        ? [new("removed-from-cluster", "The other nodes have removed this one; restart it.")] : [];

    /// <summary>Returns why commands would be refused now; empty when the service is ready.</summary>
    public async Task<IReadOnlyList<ReadinessReason>> WhyNotReadyAsync(CancellationToken cancellationToken)
    {
        var reasons = WhyDead.ToList();
        if (life.ApplicationStopping.IsCancellationRequested)
        {
            reasons.Add(new("stopping", "The service is being stopped."));
        }

        if (engine.Cluster.Waiting is not null)
        {
            reasons.Add(new("joining-cluster", "The service has not joined its cluster yet."));
        }

        if (!target.IsSet)
        {
            reasons.Add(new("opening-replicas", "The service opens its replicas."));
        }

        if (engine.Trouble.Current is not null || !await JournalAsync().WaitAsync(cancellationToken))
        {
            reasons.Add(new("journal-trouble", "The journal cannot be used; `drctl health` gives the reason."));
        }

        return reasons;
    }

    private Task<bool> JournalAsync()
    {
        lock (_lock)
        {
            if (_journal.IsCompleted && (_lookedAt is not { } last || time.GetElapsedTime(last) >= LookEvery))
            {
                _lookedAt = time.GetTimestamp();
                _journal = LookAsync();
            }

            return _journal;
        }
    }

    private async Task<bool> LookAsync()
    {
        using var limit = new CancellationTokenSource(Patience, time);
        try
        {
            await engine.ReadModel.StatusAsync(limit.Token).AsTask().WaitAsync(limit.Token);
            return true;
        }
        catch (Exception e) when (e is JournalUnavailableException or OperationCanceledException)
        {
            return false;
        }
    }
}
