namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// Runs the tasks of a session: the first failure ends them all, and the most significant exception is thrown.
/// </summary>
internal static class SessionTasks
{
    /// <summary>
    /// The time that a broken connection may still deliver the peer's reason, and that a peer may take to disconnect.
    /// </summary>
    public static TimeSpan Grace { get; } = TimeSpan.FromSeconds(2);

    /// <summary>Runs the tasks; returns when all have ended without error.</summary>
    public static async Task RunAsync(
        SessionLink link, TimeProvider time, IEnumerable<Func<CancellationToken, Task>> bodies,
            CancellationToken cancellationToken)
    {
        using var stop = new CancellationTokenSource(Timeout.InfiniteTimeSpan, time);
        using var outer = cancellationToken.UnsafeRegister(static state => ((CancellationTokenSource)state!).Cancel(),
            stop);
        var token = stop.Token;
        var running = bodies.Select(body => BackgroundScheduler.Shared.Run(() => body(token))).ToList();
        Exception? cause = null;
        while (running.Count > 0)
        {
            var ended = await Task.WhenAny(running);
            running.Remove(ended);
            if (ended.IsCompletedSuccessfully)
            {
                continue;
            }

            var error = ended.Exception?.InnerException ?? new OperationCanceledException(cancellationToken);
            var first = cause is null;
            cause = cause is null || Rank(error) > Rank(cause) ? error : cause;
            if (first && error is LinkLostException { WhileSending: true } && !stop.IsCancellationRequested)
            {
                stop.CancelAfter(Grace);
            }
            else if (!stop.IsCancellationRequested)
            {
                await stop.CancelAsync();
            }

            if (stop.IsCancellationRequested)
            {
                await link.Stream.DisposeAsync();
            }
        }

        cancellationToken.ThrowIfCancellationRequested();
        if (cause is not null)
        {
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(cause);
        }
    }

    private static int Rank(Exception error) => error switch
    {
        SessionRefusedException => 3,
        LinkLostException => 1,
        OperationCanceledException or ObjectDisposedException => 0,
        _ => 2,
    };
}
