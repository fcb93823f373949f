using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// The wait for changes that are on their way into a replica: how long it lasts is the same for every kind of target
/// side.
/// </summary>
public static class StreamWait
{
    /// <summary>A stream that brings nothing for longer than this counts as idle.</summary>
    public static TimeSpan IdleTooLong { get; } = TimeSpan.FromSeconds(1.5);

    /// <summary>Waits until something is reached.</summary>
    /// <param name="isReached">Whether it is.</param>
    /// <param name="applied">How far the replica is; a stream that moves it is not idle.</param>
    /// <param name="giveUpWhenIdle">Whether an idle stream ends the wait.</param>
    /// <param name="lookEvery">How often both are looked at.</param>
    /// <param name="time">The clock.</param>
    /// <param name="ct">Gives up.</param>
    /// <returns>True when it is reached; false when the stream is idle.</returns>
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
