namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>All connections of a server, whatever phase they are in. Safe for several threads.</summary>
internal sealed class NbdConnectionTable
{
    private readonly HashSet<NbdConnection> _connections = [];
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _last;
    private bool _closing;

    /// <summary>How many there are.</summary>
    public int Count
    {
        get
        {
            lock (_connections)
            {
                return _connections.Count;
            }
        }
    }

    /// <summary>Takes a connection in and numbers it.</summary>
    public long Add(NbdConnection connection)
    {
        lock (_connections)
        {
            _connections.Add(connection);
            return ++_last;
        }
    }

    /// <summary>Its thread is done.</summary>
    public void Remove(NbdConnection connection)
    {
        lock (_connections)
        {
            _connections.Remove(connection);
            CompleteWhenEmpty();
        }
    }

    /// <summary>
    /// Aborts all there are; completes when their threads are done. No connection may be added any more.
    /// </summary>
    public Task CloseAsync()
    {
        NbdConnection[] all;
        lock (_connections)
        {
            _closing = true;
            all = [.. _connections];
            CompleteWhenEmpty();
        }

        foreach (var connection in all)
        {
            connection.Abort();
        }

        return _empty.Task;
    }

    private void CompleteWhenEmpty()
    {
        if (_closing && _connections.Count == 0)
        {
            _empty.TrySetResult();
        }
    }
}
