using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Since when changes have stood in the log, by the clock that nobody sets (I26). Changes that came close together
/// share an entry; when there are too many entries, further ones share. Not safe for several threads.
/// </summary>
internal sealed class ChangeAges(TimeProvider time)
{
    private const int Most = 4096;
    private static readonly TimeSpan Finest = TimeSpan.FromMilliseconds(100);
    private readonly Queue<(ChangePosition From, long Stamp)> _entries = new();
    private TimeSpan _grain = Finest;
    private long _newest;

    /// <summary>A change was logged at a place behind all before it.</summary>
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
    /// How long the oldest change behind an acknowledged place has waited, too long by at most the time within which
    /// changes share an entry. Null when it came before the volume was opened.
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
