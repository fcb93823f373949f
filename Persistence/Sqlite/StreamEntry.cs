using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>What is known of one stream in memory: its head, and what the index tables do not hold yet.</summary>
internal sealed class StreamEntry(long key, PersistenceId id)
{
    public long Key => key;

    public PersistenceId Id => id;

    public StreamHead Head { get; set; }

    public WakeMark Wake { get; set; }

    /// <summary>The last sequence number that the index tables hold.</summary>
    public long Indexed { get; set; }

    /// <summary>The positions of the events after <see cref="Indexed"/>, in order.</summary>
    public List<long> Tail { get; } = [];

    /// <summary>The commands of those events.</summary>
    public Dictionary<CommandId, (long First, long Last)> Commands { get; } = [];

    /// <summary>Takes one durable event over.</summary>
    public void Add(StoredEvent stored, long position, WakeMark wake)
    {
        Tail.Add(position);
        var first = Commands.TryGetValue(stored.CommandId, out var known) ? known.First : stored.Sequence;
        Commands[stored.CommandId] = (first, stored.Sequence);
        Head = new StreamHead(stored.Sequence, stored.Hash);
        Wake = wake;
    }

    /// <summary>The index tables hold everything now.</summary>
    public void MarkIndexed()
    {
        Indexed = Head.Sequence;
        Tail.Clear();
        Tail.TrimExcess();
        Commands.Clear();
        Commands.TrimExcess();
    }
}
