namespace ReplicationEngine.DataPlane.Transport.Receiving;

/// <summary>
/// Limits the bytes held between one taker and many givers. A single demand over the whole budget is met if nothing
/// else is held, so that a record larger than the budget can pass.
/// </summary>
internal sealed class ByteBudget(long capacity)
{
    private readonly Lock _lock = new();
    private long _held;
    private long _wanted;
    private bool _open;
    private TaskCompletionSource? _waiter;

    /// <summary>The number of bytes held.</summary>
    public long Held
    {
        get
        {
            lock (_lock)
            {
                return _held;
            }
        }
    }

    /// <summary>Takes bytes; waits until there is room. One caller at a time.</summary>
    public async ValueTask TakeAsync(long bytes, CancellationToken cancellationToken)
    {
        TaskCompletionSource waiter;
        lock (_lock)
        {
            if (Fits(bytes))
            {
                _held += bytes;
                return;
            }

            _wanted = bytes;
            waiter = _waiter = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        }

        await waiter.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Returns bytes to the budget.</summary>
    public void Give(long bytes)
    {
        lock (_lock)
        {
            _held -= bytes;
            Wake();
        }
    }

    /// <summary>Meets every demand from now on, because the taken bytes are discarded.</summary>
    public void Open()
    {
        lock (_lock)
        {
            _open = true;
            Wake();
        }
    }

    private bool Fits(long bytes) => _open || _held == 0 || _held + bytes <= capacity;

    private void Wake()
    {
        if (_waiter is { } waiter && Fits(_wanted))
        {
            _waiter = null;
            _held += _wanted;
            waiter.SetResult();
        }
    }
}
