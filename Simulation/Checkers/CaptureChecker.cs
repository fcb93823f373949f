using ReplicationEngine.Simulation.Workloads;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I2: the death of the process removes no acknowledged write from the source's disks and log.</summary>
internal sealed class CaptureChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I2";

    /// <inheritdoc/>
    public override void Reopened(SimVm vm, bool powerCut, ulong[] actual, DiskModel model)
    {
        for (var i = 0; !powerCut && i < actual.Length; i++)
        {
            if (!model.MayHold(i, actual[i]))
            {
                throw Broken(vm, $"sector {i} lost its acknowledged content when the process died");
            }
        }
    }
}
