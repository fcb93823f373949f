using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Tests.Actors.Entities;

/// <summary>
/// What a journal is to the owners of one entity: it takes each sequence number once and each command id once, whole
/// or not at all, and keeps the newest snapshot. It can be damaged.
/// </summary>
internal sealed class CoreJournal
{
    private readonly List<StoredEvent> _events = [];
    private readonly Dictionary<long, UnreadableRecord> _unreadable = [];

    public IReadOnlyList<StoredEvent> Events => _events;

    public StreamHead Head => _events.Count == 0 ? StreamHead.Start : _events[^1].Head;

    public EntitySnapshot? Snapshot { get; set; }

    /// <summary>Why the snapshot cannot be read, when it cannot.</summary>
    public string? SnapshotDamage { get; set; }

    /// <summary>Appends, or refuses, because a number or the command id is taken.</summary>
    public bool TryAppend(ImmutableArray<StoredEvent> events)
    {
        Assert.InRange(events[0].Sequence, 1, _events.Count + 1);
        if (events[0].Sequence <= _events.Count || _events.Any(stored => stored.CommandId == events[0].CommandId))
        {
            return false;
        }

        _events.AddRange(events);
        return true;
    }

    public CommandRecord? Find(CommandId id) =>
        _events.LastOrDefault(stored => stored.CommandId == id) is { Command: { } command } last
            ? new CommandRecord(id, last.Sequence, command.Digest) : null;

    /// <summary>What a reader gets in an event's place, when it cannot read the event.</summary>
    public UnreadableRecord? UnreadableAt(long sequence) => _unreadable.GetValueOrDefault(sequence);

    /// <summary>Puts another event in the place of one.</summary>
    public void Change(long sequence, Func<StoredEvent, StoredEvent> change) =>
        _events[(int)sequence - 1] = change(_events[(int)sequence - 1]);

    /// <summary>Flips a bit of an event's payload; the second time back.</summary>
    public void FlipBit(long sequence) =>
        Change(sequence, stored => stored with { Payload = Flipped(stored.Payload) });

    /// <summary>Makes an event unreadable; null makes it readable again.</summary>
    public void MakeUnreadable(long sequence, string? reason)
    {
        _unreadable.Remove(sequence);
        if (reason is not null)
        {
            _unreadable.Add(sequence, new UnreadableRecord(_events[(int)sequence - 1].Name, reason));
        }
    }

    /// <summary>Flips a bit of the snapshot, if there is one.</summary>
    public void FlipSnapshotBit() =>
        Snapshot = Snapshot is null ? null : Snapshot with { Payload = Flipped(Snapshot.Payload) };

    /// <summary>Removes the events from one on, as nobody may.</summary>
    public void Remove(long sequence) => _events.RemoveAt((int)sequence - 1);

    private static byte[] Flipped(byte[] bytes)
    {
        var flipped = bytes.ToArray();
        flipped[0] ^= 1;
        return flipped;
    }
}
