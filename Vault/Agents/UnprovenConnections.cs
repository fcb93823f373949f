namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// The connections that have not authenticated yet. Each has a deadline, and when there are too many the oldest is
/// dropped, because an honest agent needs only a moment (S3, F20). Safe to use from several tasks.
/// </summary>
internal sealed class UnprovenConnections(int most, TimeSpan within, TimeProvider time)
{
    private readonly Lock _guard = new();
    private readonly LinkedList<Place> _places = [];

    /// <summary>The number of unproven connections.</summary>
    public int Count
    {
        get
        {
            lock (_guard)
            {
                return _places.Count;
            }
        }
    }

    /// <summary>Adds a connection. Dispose the returned place when the connection has authenticated or ended.</summary>
    public Place Enter(CancellationToken ending)
    {
        Place? dropped;
        var place = new Place(this, new CancellationTokenSource(within, time), ending);
        lock (_guard)
        {
            dropped = _places.Count >= most ? TakeOldest() : null;
            _places.AddLast(place.Node);
        }

        dropped?.Drop();
        return place;
    }

    /// <summary>Drops the oldest connection, if there is one.</summary>
    public void DropOldest()
    {
        Place? dropped;
        lock (_guard)
        {
            dropped = TakeOldest();
        }

        dropped?.Drop();
    }

    private Place? TakeOldest()
    {
        var oldest = _places.First?.Value;
        if (oldest is not null)
        {
            _places.RemoveFirst();
        }

        return oldest;
    }

    /// <summary>The place of an unproven connection.</summary>
    internal sealed class Place : IDisposable
    {
        private readonly UnprovenConnections _all;
        private readonly CancellationTokenSource _deadline;
        private readonly CancellationTokenSource _either;

        public Place(UnprovenConnections all, CancellationTokenSource deadline, CancellationToken ending)
        {
            (_all, _deadline, Node) = (all, deadline, new LinkedListNode<Place>(this));
            _either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ending);
        }

        /// <summary>The node of the place in the list of all places.</summary>
        public LinkedListNode<Place> Node { get; }

        /// <summary>
        /// Cancelled at the deadline, when the place is needed for another connection, or when the caller's token is
        /// cancelled.
        /// </summary>
        public CancellationToken Over => _either.Token;

        /// <summary>Drops the connection.</summary>
        public void Drop()
        {
            try
            {
                _deadline.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // The connection authenticated or ended at the same moment: its place is free either way.
                return;
            }
        }

        /// <inheritdoc/>
        public void Dispose()
        {
            lock (_all._guard)
            {
                if (Node.List is not null)
                {
                    _all._places.Remove(Node);
                }
            }

            _either.Dispose();
            _deadline.Dispose();
        }
    }
}
