using ReplicationEngine.Simulation.Workloads;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I3: an acknowledged flush survives a power cut: no sector returns to content from before the flush.
/// </summary>
internal sealed class FlushChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I3";

    /// <inheritdoc/>
    public override void Reopened(SimVm vm, bool powerCut, ulong[] actual, DiskModel model)
    {
        for (var i = 0; powerCut && i < actual.Length; i++)
        {
            if (!model.MayHoldAfterCut(i, actual[i]))
            {
                throw Broken(vm, $"sector {i} holds after a power cut what it never held since the last flush");
            }
        }
    }
}
