namespace ReplicationEngine.DataPlane.Nbd;

/// <summary>The connections of a server, in any phase. Safe for several threads.</summary>
internal sealed class NbdConnectionTable
{
    private readonly HashSet<NbdConnection> _connections = [];
    private readonly TaskCompletionSource _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _last;
    private bool _closing;

    /// <summary>The number of connections.</summary>
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

    /// <summary>Adds a connection and returns its number.</summary>
    public long Add(NbdConnection connection)
    {
        lock (_connections)
        {
            _connections.Add(connection);
            return ++_last;
        }
    }

    /// <summary>Removes a connection whose thread has ended.</summary>
    public void Remove(NbdConnection connection)
    {
        lock (_connections)
        {
            _connections.Remove(connection);
            CompleteWhenEmpty();
        }
    }

    /// <summary>
    /// Aborts all connections; completes when their threads have ended. No connection may be added afterwards.
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
