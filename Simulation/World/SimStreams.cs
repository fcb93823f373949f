using System.Collections.Immutable;
using System.Runtime.InteropServices;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>What a journal promises: each number of a stream is taken once, and each command id once per
/// stream.</summary>
internal interface IStreams
{
    /// <summary>Takes the events of one command, whole or not at all.</summary>
    /// <returns>False when a number or the command is taken.</returns>
    bool TryAppend(PersistenceId id, ImmutableArray<StoredEvent> events);

    /// <summary>The events behind a number, in order.</summary>
    IReadOnlyList<StoredEvent> Read(PersistenceId id, long after, int most);

    /// <summary>What an accepted command led to; null when the stream holds no event of it.</summary>
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

    /// <summary>The stored events themselves, so that they can be damaged.</summary>
    public List<StoredEvent> EventsOf(PersistenceId id) => _streams.GetValueOrDefault(id)?.Events ?? [];

    private sealed class Stream
    {
        public List<StoredEvent> Events { get; } = [];

        public Dictionary<CommandId, CommandRecord> Commands { get; } = [];
    }
}
