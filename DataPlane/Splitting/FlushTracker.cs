namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Which syncs of one disk began when, and whether one failed (I28).</summary>
internal sealed class FlushTracker
{
    private readonly Lock _gate = new();
    private long _begun;
    private long _succeeded;

    /// <summary>The first failure; nothing is durable that was not before it.</summary>
    public IOException? Poison { get; private set; }

    /// <summary>The number of the newest sync that began.</summary>
    public long Begun => Interlocked.Read(ref _begun);

    /// <summary>Numbers a sync that begins now.</summary>
    public long Begin() => Interlocked.Increment(ref _begun);

    /// <summary>Whether a sync succeeded that began after the one numbered so.</summary>
    public bool SucceededAfter(long number)
    {
        lock (_gate)
        {
            return Poison is null && _succeeded > number;
        }
    }

    /// <summary>Notes a success.</summary>
    public void Succeeded(long number)
    {
        lock (_gate)
        {
            _succeeded = Math.Max(_succeeded, number);
        }
    }

    /// <summary>Notes a failure; true for the first.</summary>
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
