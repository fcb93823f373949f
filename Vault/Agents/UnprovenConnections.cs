namespace ReplicationEngine.Vault.Agents;

/// <summary>
/// The control connections that have not proved yet who they are: each has a deadline, and when there are too many the
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
        Place? dropped = null;
        var place = new Place(this, new CancellationTokenSource(within, time), ending);
        lock (_guard)
        {
            if (_places.Count >= most)
            {
                dropped = _places.First!.Value;
                _places.RemoveFirst();
            }

            _places.AddLast(place);
        }

        dropped?.Drop();
        return place;
    }

    /// <summary>One connection's place.</summary>
    internal sealed class Place : IDisposable
    {
        private readonly UnprovenConnections _all;
        private readonly CancellationTokenSource _deadline;
        private readonly CancellationTokenSource _either;

        public Place(UnprovenConnections all, CancellationTokenSource deadline, CancellationToken ending)
        {
            (_all, _deadline) = (all, deadline);
            _either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ending);
        }

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
                _all._places.Remove(this);
            }

            _either.Dispose();
            _deadline.Dispose();
        }
    }
}
