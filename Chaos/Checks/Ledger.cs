using System.Collections.Concurrent;
using ReplicationEngine.Chaos.Plans;
using ReplicationEngine.Chaos.Witness.Writes;

namespace ReplicationEngine.Chaos.Checks;

/// <summary>Counts faults, operations and checks. Safe for several threads.</summary>
internal sealed class Ledger
{
    private readonly ConcurrentDictionary<string, long> _checks = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<Fault, long> _faults = new();
    private readonly ConcurrentDictionary<string, long> _operations = new(StringComparer.Ordinal);
    private long _points;
    private long _written;

    /// <summary>The meaning of each check, by its name.</summary>
    public static IReadOnlyDictionary<string, string> Meanings { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["I2"] = "every acknowledged write is on the primary's disks",
        ["I4"] = "a recovery point is a prefix of the acknowledged writes",
        ["I6"] = "an older recovery point does not change",
        ["I11"] = "in sync, source and replica are equal byte for byte",
        ["I15"] = "terms only rise; the primary accepts writes",
        ["I16"] = "a fenced source refuses writes and keeps its data",
        ["I20"] = "an operation interrupted by a crash still completes",
        ["I21"] = "a failover loses no write older than the reported RPO",
        ["I22"] = "a planned failover loses nothing",
        ["I23"] = "the clean-up of a test failover leaves nothing behind",
        ["I24"] = "after a failback the source equals the target",
        ["I25"] = "every listed recovery point exists and is usable",
        ["I27"] = "no write is refused, and the guest never waits for the target",
        ["identity"] = "a second agent with the same name and a second VM with the same disk are refused",
        ["journal"] = "drctl journal verify finds the event log sound",
        ["lost"] = "without its journal the service refuses to start, and drctl recover rebuilds it",
        ["process"] = "no process ends on its own; after SIGTERM it exits with 0",
        ["recovery"] = "after the faults every VM is protected and in sync again",
    };

    /// <summary>The number of times each check was made.</summary>
    public IReadOnlyDictionary<string, long> Checks => _checks;

    /// <summary>The number of times each fault was injected.</summary>
    public IReadOnlyDictionary<Fault, long> Faults => _faults;

    /// <summary>The number of times each operation was completed.</summary>
    public IReadOnlyDictionary<string, long> Operations => _operations;

    /// <summary>The number of recovery points that were compared.</summary>
    public long Points => Interlocked.Read(ref _points);

    /// <summary>The number of acknowledged writes of machine incarnations that ended.</summary>
    public long WrittenBefore => Interlocked.Read(ref _written);

    /// <summary>Runs a check; contradicting evidence becomes a violation.</summary>
    /// <exception cref="ViolationException">The invariant does not hold.</exception>
    public void Check(string invariant, Action judge)
    {
        try
        {
            judge();
        }
        catch (EvidenceException e)
        {
            throw new ViolationException(invariant, e.Message);
        }

        _checks.AddOrUpdate(invariant, 1, (_, count) => count + 1);
    }

    /// <summary>Checks a condition.</summary>
    /// <exception cref="ViolationException">The condition does not hold.</exception>
    public void Check(string invariant, bool holds, string message) =>
        Check(invariant, () => EvidenceException.Unless(holds, message));

    /// <summary>Counts a fault that was injected.</summary>
    public void Did(Fault fault) => _faults.AddOrUpdate(fault, 1, (_, count) => count + 1);

    /// <summary>Counts an operation that was completed.</summary>
    public void Did(string operation) => _operations.AddOrUpdate(operation, 1, (_, count) => count + 1);

    /// <summary>Counts a recovery point that was compared.</summary>
    public void Compared() => Interlocked.Increment(ref _points);

    /// <summary>Adds the acknowledged writes of a machine's incarnation that ended.</summary>
    public void Wrote(long writes) => Interlocked.Add(ref _written, writes);
}
