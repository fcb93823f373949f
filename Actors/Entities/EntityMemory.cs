using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// What a host keeps of an entity between the end of one core and the recovery of the next: nothing that its events
/// say, only what happened to it within this life of the host. Its loss does no harm but to precision. Used by one
/// core at a time.
/// </summary>
public sealed class EntityMemory
{
    private const int MostDoubts = 64;

    private readonly Queue<CommandId> _doubted = new(0);
    private readonly List<DateTimeOffset> _failures = new(0);

    /// <summary>The timers that were armed, on the steady clock (I26).</summary>
    public ImmutableArray<ArmedTimer> Timers { get; internal set; } = [];

    /// <summary>
    /// Whether the next recovery must do without a snapshot, because there is reason to distrust it.
    /// </summary>
    public bool ReadsWholeStream { get; internal set; }

    /// <summary>
    /// Whether events of the entity may have left the journal, which then does not refuse their commands' ids by
    /// itself; told by the host before each command.
    /// </summary>
    public bool EventsMayBeArchived { get; set; }

    /// <summary>Whether nothing is kept, so that the memory itself need not be.</summary>
    public bool IsEmpty =>
        Timers.IsEmpty && _failures.Count == 0 && !ReadsWholeStream && _doubted.Count == 0;

    /// <summary>Whether the entity was recovered in this life, so that its timers are known by the steady
    /// clock.</summary>
    internal bool Recovered { get; set; }

    /// <summary>Counts an exception that the entity has met.</summary>
    /// <param name="now">When, by the steady clock.</param>
    /// <param name="window">The time over which exceptions are counted.</param>
    /// <returns>How many were met within the window.</returns>
    internal int CountFailure(DateTimeOffset now, TimeSpan window)
    {
        ForgetFailures(now, window);
        _failures.Add(now);
        return _failures.Count;
    }

    /// <summary>Forgets the exceptions that lie outside the window.</summary>
    internal void ForgetFailures(DateTimeOffset now, TimeSpan window) =>
        _failures.RemoveAll(at => now - at >= window);

    /// <summary>Forgets all exceptions, because their cause is removed.</summary>
    internal void ForgetFailures() => _failures.Clear();

    /// <summary>The outcome of the command's persist is not known.</summary>
    internal void Doubt(CommandId id)
    {
        if (_doubted.Contains(id))
        {
            return;
        }

        if (_doubted.Count == MostDoubts)
        {
            _doubted.Dequeue();
        }

        _doubted.Enqueue(id);
    }

    /// <summary>Whether nobody knows if the command's events became durable.</summary>
    internal bool IsDoubted(CommandId id) => _doubted.Count > 0 && _doubted.Contains(id);
}
