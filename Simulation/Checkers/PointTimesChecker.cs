using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// The times of recovery points rise with their cuts, as long as the service's wall clock is not set.
/// </summary>
internal sealed class PointTimesChecker(SimWorld world) : Checker
{
    /// <inheritdoc/>
    public override string Id => "times";

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        if (world.ServiceClockSet || vm.Ledger.Damaged || vm.Target.Store is not { } store)
        {
            return;
        }

        foreach (var (before, after) in store.Points.Zip(store.Points.Skip(1)))
        {
            if (before.Time > after.Time)
            {
                throw Broken(
                    vm, $"point {before.Id} of {before.Time:O} is followed by {after.Id} of {after.Time:O}");
            }
        }
    }
}
