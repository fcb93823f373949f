using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.Persistence.Properties;

/// <summary>
/// What a store must hold and answer, written down as plainly as possible: one list for the feed. Immutable: each
/// operation makes the next model, with what it expects the store to answer.
/// </summary>
internal sealed record JournalModel
{
    public static JournalModel Empty { get; } = new();

    /// <summary>The feed: each event with its stream.</summary>
    public ImmutableList<(PersistenceId Id, StoredEvent Event)> Feed { get; init; } = [];

    public ImmutableSortedDictionary<string, EntitySnapshot> Snapshots { get; init; } =
        ImmutableSortedDictionary.Create<string, EntitySnapshot>(StringComparer.Ordinal);

    public int Commands { get; init; }

    /// <summary>The events of the last operation, when it was a write.</summary>
    public ImmutableArray<StoredEvent> Written { get; init; } = [];

    /// <summary>Whether the store must take them.</summary>
    public bool Taken { get; init; }

    public ImmutableList<StoredEvent> Stream(PersistenceId id) =>
        [.. Feed.Where(item => item.Id == id).Select(item => item.Event)];

    public StreamHead Head(PersistenceId id) => Stream(id) is [.., var last] ? last.Head : StreamHead.Start;

    public CommandRecord? Find(PersistenceId id, CommandId command) =>
        Stream(id).Find(stored => stored.CommandId == command && stored.EndsCommand) is { } last
            ? new CommandRecord(command, last.Sequence, last.Command!.Digest) : null;

    /// <summary>The marks of the streams' last events.</summary>
    public IEnumerable<WakeEntry> Wakes(IEnumerable<PersistenceId> ids) => ids
        .Where(id => !Stream(id).IsEmpty)
        .Select(id => new WakeEntry(id, Stream(id)[^1].Command!.Wake)).Where(wake => wake.Mark != WakeMark.None);

    /// <inheritdoc/>
    public override string ToString() => $"{Feed.Count} events";

    /// <summary>Judges a write by the rules of the contract: the next number, and a command that is new.</summary>
    public JournalModel Write(PersistenceId id, StoredEvent[] events)
    {
        var taken = events[0].Sequence == Head(id).Sequence + 1 && Find(id, events[0].CommandId) is null;
        return this with
        {
            Written = [.. events],
            Taken = taken,
            Feed = taken ? Feed.AddRange(events.Select(stored => (id, stored))) : Feed,
            Commands = Commands + 1,
        };
    }
}
