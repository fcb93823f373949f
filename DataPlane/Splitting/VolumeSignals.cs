namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Notifies the threads that wait on a volume: its owner, when the condition changes, and the sending session, when
/// there may be work.
/// </summary>
/// <remarks>
/// <b>Locks</b>: the condition changes under the order lock and is read without it. Publishing calls the owner, so it
/// happens outside the order lock. Signalling work takes no lock.
/// </remarks>
internal sealed class VolumeSignals
{
    private readonly SourceVolumeOptions _options;
    private readonly WriteOrder _order;
    private SourceCondition _condition;
    private SourceCondition _published;
    private TaskCompletionSource? _work;

    /// <summary>Starts with the condition that the stored state describes.</summary>
    public VolumeSignals(SourceVolumeOptions options, WriteOrder order, VolumeState state)
    {
        (_options, _order) = (options, order);
        _condition = _published = new SourceCondition(
            state.Mode, state.Cause, string.Empty, SyncFailed: false, state.Fenced, options.Time.GetUtcNow());
    }

    /// <summary>The condition of the volume.</summary>
    public SourceCondition Condition => Volatile.Read(ref _condition);

    /// <summary>Changes the condition; <see cref="PublishCondition"/> reports the change.</summary>
    public void ChangeCondition(Func<SourceCondition, SourceCondition> change)
    {
        lock (_order.Gate)
        {
            var next = change(_condition);
            if (next != _condition)
            {
                Volatile.Write(ref _condition, next with { Since = _options.Time.GetUtcNow() });
            }
        }
    }

    /// <summary>Calls the owner if the condition differs from the one published last.</summary>
    public void PublishCondition()
    {
        var condition = Volatile.Read(ref _condition);
        if (!ReferenceEquals(Interlocked.Exchange(ref _published, condition), condition))
        {
            _options.ConditionChanged?.Invoke(condition);
        }
    }

    /// <summary>
    /// Returns a task that completes at the next <see cref="SignalWork"/>. A waiter gets it before it checks for work,
    /// so no signal is missed.
    /// </summary>
    public Task NextWork()
    {
        var work = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        Interlocked.Exchange(ref _work, work)?.TrySetResult();
        return work.Task;
    }

    /// <summary>Wakes the sending session.</summary>
    public void SignalWork()
    {
        if (Volatile.Read(ref _work) is not null)
        {
            Interlocked.Exchange(ref _work, null)?.TrySetResult();
        }
    }
}
