using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I18: the journal stores events if and only if they follow the last event of their stream and their command is new to
/// the stream. A number is never given twice. Of several owners of one entity only the owner whose events are in the
/// stream learns that they are durable. The checker has its own model: the head of each stream, and the owner that
/// wrote each number.
/// </summary>
internal sealed class AppendChecker : Checker
{
    private readonly Dictionary<PersistenceId, StreamHead> _heads = [];
    private readonly HashSet<(PersistenceId Id, CommandId Command)> _commands = [];
    private readonly Dictionary<(PersistenceId Id, long Sequence), (long Owner, ChainHash Hash)> _written = [];

    /// <inheritdoc/>
    public override string Id => "I18";

    /// <inheritdoc/>
    public override void Appended(SeenAppend seen)
    {
        var (id, events) = (seen.Id, seen.Events);
        var head = _heads.GetValueOrDefault(id, StreamHead.Start);
        var command = events[0].CommandId;
        var follows = events[0].Sequence == head.Sequence + 1 && events[0].Previous == head.Hash;
        var due = follows && !_commands.Contains((id, command));
        if (due != seen.Stored)
        {
            throw new InvariantBrokenException(
                Id, $"{id}: events from {events[0].Sequence} of owner {seen.Owner} were "
                    + $"{(seen.Stored ? "" : "not ")}taken; the stream ends at {head.Sequence}");
        }

        if (!due)
        {
            return;
        }

        _commands.Add((id, command));
        foreach (var stored in events)
        {
            if (!_written.TryAdd((id, stored.Sequence), (seen.Owner, stored.Hash)))
            {
                throw new InvariantBrokenException(Id, $"{id}: event {stored.Sequence} was written twice");
            }
        }

        _heads[id] = EventChain.Verify(id, head, events);
    }

    /// <inheritdoc/>
    public override void Persisted(SimVm vm, long owner, ImmutableArray<StoredEvent> events)
    {
        foreach (var stored in events)
        {
            var written = _written.GetValueOrDefault((vm.Id, stored.Sequence));
            if (written != (owner, stored.Hash))
            {
                throw Broken(
                    vm, $"owner {owner} was told that event {stored.Sequence} is durable; what stands there is "
                        + $"owner {written.Owner}'s");
            }
        }
    }
}
