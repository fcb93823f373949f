using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// The fault classes that are active now. A class stays active for one minute after its last fault has ended.
/// </summary>
internal sealed class FaultClock(EventQueue queue)
{
    private static readonly TimeSpan Aftermath = TimeSpan.FromMinutes(1);
    private readonly SortedDictionary<string, TimeSpan> _until = new(StringComparer.Ordinal);

    /// <summary>The fault classes that have been active at any time.</summary>
    public IEnumerable<string> Ever => _until.Keys;

    /// <summary>Records a fault that starts now and lasts for this time.</summary>
    public void Note(Fault fault, TimeSpan length)
    {
        var letter = fault.Letter;
        var end = queue.Now + length + Aftermath;
        _until[letter] = _until.TryGetValue(letter, out var known) && known > end ? known : end;
    }

    /// <summary>The fault classes that are active now.</summary>
    public IEnumerable<string> Active => _until.Where(f => f.Value >= queue.Now).Select(f => f.Key);

    /// <summary>Returns whether a fault class has been active at any time.</summary>
    public bool Had(string letter) => _until.ContainsKey(letter);
}
