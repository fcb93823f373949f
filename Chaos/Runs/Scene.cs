using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Cli;
using ReplicationEngine.Chaos.Machines;
using ReplicationEngine.Chaos.Sites;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>What every part of a run works with.</summary>
/// <param name="Sites">The processes.</param>
/// <param name="Machines">The VMs.</param>
/// <param name="Ledger">What was done and judged.</param>
/// <param name="Screen">What the user sees.</param>
internal sealed record Scene(TwoSites Sites, IReadOnlyList<Machine> Machines, Ledger Ledger, Screen Screen)
{
    /// <summary>Acknowledged writes of all machines, in all their lives.</summary>
    public long Written => Ledger.WrittenBefore + Machines.Sum(machine => machine.Writer.AcknowledgedCount);
}
