using System.Collections.Concurrent;

namespace ReplicationEngine.Vault.Effects;

/// <summary>
/// Background work, one piece per key. A piece that fails is reported and retried with growing pauses until it succeeds
/// or another piece replaces it. Safe to use from several tasks.
/// </summary>
/// <param name="failed">Called with the key, the failure, and the pause before the retry.</param>
/// <param name="time">The clock of the pauses.</param>
internal sealed class ObservedWork(Action<string, Exception, TimeSpan> failed, TimeProvider time)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan LongestPause = TimeSpan.FromSeconds(30);
    private readonly ConcurrentDictionary<string, object> _newest = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<object, Task> _running = new();

    /// <summary>
    /// Starts a piece of work. A piece that already runs under the same key completes its attempt but is not retried.
    /// </summary>
    public void Begin(string key, Func<CancellationToken, Task> work, CancellationToken cancellationToken)
    {
        var piece = new object();
        _newest[key] = piece;
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        _running[piece] = RunAsync(key, piece, work, gate.Task, cancellationToken);
        gate.SetResult();
    }

    /// <summary>
    /// Completes when no work is running. The token that the work was started with has to be cancelled.
    /// </summary>
    public Task EndAsync() => Task.WhenAll(_running.Values);

    private async Task RunAsync(
        string key, object piece, Func<CancellationToken, Task> work, Task begun, CancellationToken ct)
    {
        await begun;
        try
        {
            var pause = FirstPause;
            while (!await TryAsync(key, work, pause, ct) && IsNewest(key, piece))
            {
                await Task.Delay(pause, time, ct);
                pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
            }
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            // The service stops. Outstanding work is derived again at the next start.
            return;
        }
        finally
        {
            _newest.TryRemove(new KeyValuePair<string, object>(key, piece));
            _running.TryRemove(piece, out _);
        }
    }

    private async Task<bool> TryAsync(
        string key, Func<CancellationToken, Task> work, TimeSpan pause, CancellationToken ct)
    {
        try
        {
            await work(ct);
            return true;
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            // The boundary of this piece of work: every failure is reported, and the other pieces continue.
            failed(key, e, pause);
            return false;
        }
    }

    private bool IsNewest(string key, object piece) =>
        _newest.TryGetValue(key, out var newest) && ReferenceEquals(newest, piece);
}
