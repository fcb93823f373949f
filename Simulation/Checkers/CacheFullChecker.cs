using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Simulation.Workloads;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I27: the source accepts the guest's writes, however full log and cache are.</summary>
internal sealed class CacheFullChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I27";

    /// <inheritdoc/>
    public override void Refused(SimVm vm, DiskModel model, SourceVolume volume, BlockDeviceException error)
    {
        var allowed = error.Errno is BlockDeviceException.Shutdown or BlockDeviceException.NotPermitted;
        var agent = ReferenceEquals(model, vm.Models.Source);
        if (agent && !allowed && !vm.Ledger.SyncBroken)
        {
            throw Broken(vm, $"the guest's write was refused in mode {volume.Condition.Mode}: {error.Message}");
        }
    }
}
