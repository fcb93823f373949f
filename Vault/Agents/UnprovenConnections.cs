namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// The connections that have not proved yet who they are: each has a deadline, and when there are too many the
/// oldest goes, because an honest agent needs only a moment (S3, F20). Safe to use from several tasks.
/// </summary>
internal sealed class UnprovenConnections(int most, TimeSpan within, TimeProvider time)
{
    private readonly Lock _guard = new();
    private readonly LinkedList<Place> _places = [];

    /// <summary>How many there are.</summary>
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

    /// <summary>Takes a connection in; dispose the answer when it has proved itself or ended.</summary>
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

    /// <summary>Gives up the oldest, if there is one.</summary>
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

    /// <summary>One connection's place.</summary>
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

        /// <summary>Where it stands among the others.</summary>
        public LinkedListNode<Place> Node { get; }

        /// <summary>Cancelled at the deadline, when the place is needed for another, or when all ends.</summary>
        public CancellationToken Over => _either.Token;

        /// <summary>The connection is given up.</summary>
        public void Drop()
        {
            try
            {
                _deadline.Cancel();
            }
            catch (ObjectDisposedException)
            {
                // It has proved itself or ended at the same moment: its place is free either way.
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
