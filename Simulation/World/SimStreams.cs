using System.Collections.Immutable;
using System.Runtime.InteropServices;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The contract of a journal: it accepts each number of a stream once, and each command id once per stream.
/// </summary>
internal interface IStreams
{
    /// <summary>Stores the events of one command, all or none.</summary>
    /// <returns>False when a number or the command is in the stream already.</returns>
    bool TryAppend(PersistenceId id, ImmutableArray<StoredEvent> events);

    /// <summary>Returns the events after a number, in order.</summary>
    IReadOnlyList<StoredEvent> Read(PersistenceId id, long after, int most);

    /// <summary>Returns the record of an accepted command; null when the stream holds no event of it.</summary>
    CommandRecord? FindCommand(PersistenceId id, CommandId commandId);
}

/// <summary>Streams in memory.</summary>
internal sealed class SimStreams : IStreams
{
    private readonly Dictionary<PersistenceId, Stream> _streams = [];

    /// <inheritdoc/>
    public bool TryAppend(PersistenceId id, ImmutableArray<StoredEvent> events)
    {
        var (first, last) = (events[0], events[^1]);
        var stream = _streams.GetValueOrDefault(id) ?? new Stream();
        if (first.Sequence <= stream.Events.Count || stream.Commands.ContainsKey(first.CommandId))
        {
            return false;
        }

        if (first.Sequence != stream.Events.Count + 1)
        {
            throw new InvalidOperationException(
                $"{id}: an append at {first.Sequence} leaves a gap, the stream ends at {stream.Events.Count}");
        }

        _streams[id] = stream;
        stream.Events.AddRange(events);
        stream.Commands.Add(
            first.CommandId, new CommandRecord(first.CommandId, last.Sequence, last.Command?.Digest));
        return true;
    }

    /// <inheritdoc/>
    public IReadOnlyList<StoredEvent> Read(PersistenceId id, long after, int most)
    {
        var events = EventsOf(id);
        var count = (int)Math.Clamp(events.Count - after, 0, most);
        return count == 0 ? [] : CollectionsMarshal.AsSpan(events).Slice((int)after, count).ToArray();
    }

    /// <inheritdoc/>
    public CommandRecord? FindCommand(PersistenceId id, CommandId commandId) =>
        _streams.GetValueOrDefault(id)?.Commands.GetValueOrDefault(commandId);

    /// <summary>Returns the stored events themselves, so that they can be damaged.</summary>
    public List<StoredEvent> EventsOf(PersistenceId id) => _streams.GetValueOrDefault(id)?.Events ?? [];

    private sealed class Stream
    {
        public List<StoredEvent> Events { get; } = [];

        public Dictionary<CommandId, CommandRecord> Commands { get; } = [];
    }
}
