using ReplicationEngine.Simulation.Faults;

namespace ReplicationEngine.Simulation.World;

/// <summary>What was reached at all: each event of an entity's stream under each class of faults.</summary>
internal sealed class Sometimes(FaultClock faults)
{
    private readonly SortedDictionary<(string What, string Fault), long> _counts = [];
    private readonly SortedSet<string> _phases = new(StringComparer.Ordinal);

    /// <summary>How often each pair was seen.</summary>
    public IReadOnlyDictionary<(string What, string Fault), long> Counts => _counts;

    /// <summary>The phases that were seen.</summary>
    public IReadOnlyCollection<string> Phases => _phases;

    /// <summary>Counts an event.</summary>
    public void Count(string what)
    {
        var any = false;
        foreach (var letter in faults.Active)
        {
            _counts[(what, letter)] = _counts.GetValueOrDefault((what, letter)) + 1;
            any = true;
        }

        if (!any)
        {
            _counts[(what, "-")] = _counts.GetValueOrDefault((what, "-")) + 1;
        }
    }

    /// <summary>Notes a phase.</summary>
    public void Saw(string phase) => _phases.Add(phase);
}
