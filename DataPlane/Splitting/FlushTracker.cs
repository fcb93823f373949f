namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Tracks the order of one disk's syncs, and whether one failed (I28).</summary>
internal sealed class FlushTracker
{
    private readonly Lock _gate = new();
    private long _begun;
    private long _succeeded;

    /// <summary>The first failure; null if none. No write became durable after it.</summary>
    public IOException? Poison { get; private set; }

    /// <summary>The number of the newest sync that started.</summary>
    public long Begun => Interlocked.Read(ref _begun);

    /// <summary>Returns a number for a sync that starts now.</summary>
    public long Begin() => Interlocked.Increment(ref _begun);

    /// <summary>Returns whether a sync succeeded that started after the one with this number.</summary>
    public bool SucceededAfter(long number)
    {
        lock (_gate)
        {
            return Poison is null && _succeeded > number;
        }
    }

    /// <summary>Records that the sync with a number succeeded.</summary>
    public void Succeeded(long number)
    {
        lock (_gate)
        {
            _succeeded = Math.Max(_succeeded, number);
        }
    }

    /// <summary>Records a failure; true for the first.</summary>
    public bool Fail(IOException error)
    {
        lock (_gate)
        {
            var first = Poison is null;
            Poison ??= error;
            return first;
        }
    }
}
