namespace ReplicationEngine.Agent.Hosting;

/// <summary>
/// Limits the logging of a repeated reason: the first occurrence is logged, then one every ten minutes while the reason
/// stays the same. Used by one task.
/// </summary>
internal sealed class RepeatedReason(TimeProvider time)
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(10);
    private (string Reason, long Stamp)? _said;

    /// <summary>Returns whether the reason should be logged now.</summary>
    public bool IsWorthSaying(string reason)
    {
        if (_said is { } said && said.Reason == reason && time.GetElapsedTime(said.Stamp) < AgainAfter)
        {
            return false;
        }

        _said = (reason, time.GetTimestamp());
        return true;
    }

    /// <summary>Forgets the last reason, so the next one is logged at once.</summary>
    public void Forget() => _said = null;
}
