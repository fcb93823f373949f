using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Cli;
using ReplicationEngine.Chaos.Machines;
using ReplicationEngine.Chaos.Sites;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>The objects that every part of a run uses.</summary>
/// <param name="Sites">The processes.</param>
/// <param name="Machines">The VMs.</param>
/// <param name="Ledger">The counts of faults and checks.</param>
/// <param name="Screen">The display.</param>
internal sealed record Scene(TwoSites Sites, IReadOnlyList<Machine> Machines, Ledger Ledger, Screen Screen)
{
    /// <summary>The number of acknowledged writes of all machines, in all their incarnations.</summary>
    public long Written => Ledger.WrittenBefore + Machines.Sum(machine => machine.Writer.AcknowledgedCount);
}
