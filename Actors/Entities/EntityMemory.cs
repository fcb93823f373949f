using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// Volatile data of an entity that the host keeps between the end of one core and the recovery of the next. It holds
/// nothing that the events contain, only what happened in this run of the host. Losing it costs only precision. Used by
/// one core at a time.
/// </summary>
public sealed class EntityMemory
{
    private const int MostDoubts = 64;

    private readonly Queue<CommandId> _doubted = new(0);
    private readonly List<DateTimeOffset> _failures = new(0);

    /// <summary>The armed timers, on the steady clock (I26).</summary>
    public ImmutableArray<ArmedTimer> Timers { get; internal set; } = [];

    /// <summary>Whether the next recovery must not use a snapshot, because the snapshot is suspect.</summary>
    public bool ReadsWholeStream { get; internal set; }

    /// <summary>
    /// Whether events of the entity may have left the journal, which then does not refuse their commands' ids. The host
    /// sets it before each command.
    /// </summary>
    public bool EventsMayBeArchived { get; set; }

    /// <summary>Whether the memory holds nothing and can be dropped.</summary>
    public bool IsEmpty =>
        Timers.IsEmpty && _failures.Count == 0 && !ReadsWholeStream && _doubted.Count == 0;

    /// <summary>
    /// Whether the entity was recovered in this run of the host, so that its timers are known by the steady clock.
    /// </summary>
    internal bool Recovered { get; set; }

    /// <summary>Counts an exception thrown by the entity.</summary>
    /// <param name="now">When the exception occurred, by the steady clock.</param>
    /// <param name="window">The time over which exceptions are counted.</param>
    /// <returns>How many exceptions occurred within the window.</returns>
    internal int CountFailure(DateTimeOffset now, TimeSpan window)
    {
        ForgetFailures(now, window);
        _failures.Add(now);
        return _failures.Count;
    }

    /// <summary>Forgets the exceptions outside the window.</summary>
    internal void ForgetFailures(DateTimeOffset now, TimeSpan window) =>
        _failures.RemoveAll(at => now - at >= window);

    /// <summary>Forgets all exceptions, because their cause is removed.</summary>
    internal void ForgetFailures() => _failures.Clear();

    /// <summary>Marks a command whose persist has an unknown outcome.</summary>
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

    /// <summary>Whether it is unknown if the command's events became durable.</summary>
    internal bool IsDoubted(CommandId id) => _doubted.Count > 0 && _doubted.Contains(id);
}
