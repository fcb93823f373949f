using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Which fault classes are at work now, or were a minute ago.</summary>
internal sealed class FaultClock(EventQueue queue)
{
    private static readonly TimeSpan Aftermath = TimeSpan.FromMinutes(1);
    private readonly SortedDictionary<string, TimeSpan> _until = new(StringComparer.Ordinal);

    /// <summary>Classes that ever were at work.</summary>
    public IEnumerable<string> Ever => _until.Keys;

    /// <summary>Notes a fault of so long.</summary>
    public void Note(Fault fault, TimeSpan length)
    {
        var letter = fault.Letter;
        var end = queue.Now + length + Aftermath;
        _until[letter] = _until.TryGetValue(letter, out var known) && known > end ? known : end;
    }

    /// <summary>The classes at work.</summary>
    public IEnumerable<string> Active => _until.Where(f => f.Value >= queue.Now).Select(f => f.Key);

    /// <summary>Whether a class ever was at work.</summary>
    public bool Had(string letter) => _until.ContainsKey(letter);
}
