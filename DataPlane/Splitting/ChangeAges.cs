using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The ages of the changes in the log, by the monotonic clock (I26). Changes that arrive close together share an entry;
/// if there are too many entries, further changes share too. Not safe for several threads.
/// </summary>
internal sealed class ChangeAges(TimeProvider time)
{
    private const int Most = 4096;
    private static readonly TimeSpan Finest = TimeSpan.FromMilliseconds(100);
    private readonly Queue<(ChangePosition From, long Stamp)> _entries = new();
    private TimeSpan _grain = Finest;
    private long _newest;

    /// <summary>Records that a change was logged at a position behind all earlier ones.</summary>
    public void Note(ChangePosition position)
    {
        var now = time.GetTimestamp();
        if (_entries.Count > 0 && time.GetElapsedTime(_newest, now) < _grain)
        {
            return;
        }

        if (_entries.Count == Most)
        {
            Thin();
        }

        _newest = now;
        _entries.Enqueue((position, now));
    }

    /// <summary>
    /// Returns the age of the oldest change behind an acknowledged position; too long by at most the time within which
    /// changes share an entry. Null if the change was logged before the volume was opened.
    /// </summary>
    public TimeSpan? OldestBehind(ChangePosition acknowledged)
    {
        while (_entries.Count > 1 && !IsBehindNext(acknowledged))
        {
            _entries.Dequeue();
        }

        if (_entries.Count <= 1)
        {
            _grain = Finest;
        }

        return _entries.TryPeek(out var oldest) && (IsNext(oldest.From, acknowledged)
            || oldest.From.CompareTo(acknowledged) <= 0) ? time.GetElapsedTime(oldest.Stamp) : null;
    }

    private bool IsBehindNext(ChangePosition acknowledged)
    {
        using var entries = _entries.GetEnumerator();
        entries.MoveNext();
        entries.MoveNext();
        var next = entries.Current.From;
        return next.CompareTo(acknowledged) > 0 && !IsNext(next, acknowledged);
    }

    private static bool IsNext(ChangePosition position, ChangePosition before) =>
        position.Generation == before.Generation && position.Lsn == before.Lsn.Next();

    private void Thin()
    {
        _grain *= 2;
        for (var i = 0; i < Most; i++)
        {
            var entry = _entries.Dequeue();
            if (i % 2 == 0)
            {
                _entries.Enqueue(entry);
            }
        }
    }
}
