namespace ReplicationEngine.Agent.Hosting;

/// <summary>
/// Tells which of many equal sentences are worth a line: the first, and one every ten minutes while it stays the same.
/// Used by one task.
/// </summary>
internal sealed class RepeatedReason(TimeProvider time)
{
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMinutes(10);
    private (string Reason, long Stamp)? _said;

    /// <summary>Whether to say it now.</summary>
    public bool IsWorthSaying(string reason)
    {
        if (_said is { } said && said.Reason == reason && time.GetElapsedTime(said.Stamp) < AgainAfter)
        {
            return false;
        }

        _said = (reason, time.GetTimestamp());
        return true;
    }

    /// <summary>It is over: the next sentence is a new one.</summary>
    public void Forget() => _said = null;
}
