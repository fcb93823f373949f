using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// Waits for changes on their way into a replica. The limits are the same for every kind of target side.
/// </summary>
public static class StreamWait
{
    /// <summary>The time without new data after which a stream counts as idle.</summary>
    public static TimeSpan IdleTooLong { get; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Waits until a condition is met.</summary>
    /// <param name="isReached">Returns whether the condition is met.</param>
    /// <param name="applied">Returns the position of the replica. A stream that advances it is not idle.</param>
    /// <param name="giveUpWhenIdle">Whether an idle stream ends the wait.</param>
    /// <param name="lookEvery">The polling interval.</param>
    /// <param name="time">The time source.</param>
    /// <param name="ct">Cancels the wait.</param>
    /// <returns>True when the condition is met; false when the stream is idle.</returns>
    public static async Task<bool> UntilAsync(
        Func<bool> isReached, Func<ChangePosition> applied, bool giveUpWhenIdle, TimeSpan lookEvery, TimeProvider time,
        CancellationToken ct)
    {
        ArgumentNullException.ThrowIfNull(isReached);
        ArgumentNullException.ThrowIfNull(applied);
        ArgumentNullException.ThrowIfNull(time);
        var (last, since) = (applied(), time.GetTimestamp());
        while (!isReached())
        {
            var now = applied();
            if (now != last)
            {
                (last, since) = (now, time.GetTimestamp());
            }
            else if (giveUpWhenIdle && time.GetElapsedTime(since) > IdleTooLong)
            {
                return false;
            }

            await Task.Delay(lookEvery, time, ct);
        }

        return true;
    }
}
