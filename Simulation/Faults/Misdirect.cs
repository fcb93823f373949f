using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// Fault: the next write to a file of the replica lands at another offset of that file, which A selects.
/// </summary>
internal sealed class Misdirect() : Fault(19, "T", perHour: 0.5)
{
    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override bool IsOfTheService => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        vm.Ledger.Damaged = true;
        var used = false;
        vm.Target.Storage.Misdirects = (path, offset) =>
        {
            if (used || !path.StartsWith("replica/", StringComparison.Ordinal))
            {
                return offset;
            }

            used = true;
            var elsewhere = ((planned.A % 64) * 512) + 512;
            world.Trace.Note($"misdirected in {path} from {offset}", elsewhere);
            return elsewhere;
        };
    }
}
