using ReplicationEngine.Simulation.Faults;

namespace ReplicationEngine.Simulation.World;

/// <summary>The counts of the events and states that were reached, for each fault class that was active then.</summary>
internal sealed class Sometimes(FaultClock faults)
{
    private readonly SortedDictionary<(string What, string Fault), long> _counts = [];
    private readonly SortedSet<string> _phases = new(StringComparer.Ordinal);

    /// <summary>The count of each event or state under each fault class; <c>-</c> stands for no active class.</summary>
    public IReadOnlyDictionary<(string What, string Fault), long> Counts => _counts;

    /// <summary>The phases of entities that were reached.</summary>
    public IReadOnlyCollection<string> Phases => _phases;

    /// <summary>Counts an event or state under each active fault class.</summary>
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

    /// <summary>Records that a phase was reached.</summary>
    public void Saw(string phase) => _phases.Add(phase);
}
