using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.World;

/// <summary>The target sides of all VMs in the service.</summary>
internal sealed class SimTargetSite(SimWorld world) : ITargetSite
{
    private readonly Dictionary<string, SimVm> _vms = world.Vms.ToDictionary(vm => vm.Name, StringComparer.Ordinal);

    /// <inheritdoc/>
    public ITargetVolume? Find(string vm) => _vms.GetValueOrDefault(vm)?.Target.Reached;

    /// <inheritdoc/>
    public ITargetVolume Obtain(string vm)
    {
        _vms[vm].Target.Obtain();
        return _vms[vm].Target.Reached!;
    }

    /// <inheritdoc/>
    /// <remarks>No directory of another history is ever put into the simulated target.</remarks>
    public string? WhyNotOwn(ProtectedVmState state, IReadOnlyList<ProtectedDisk> disks) => null;

    /// <inheritdoc/>
    /// <remarks>The simulated journal is never lost or restored, so nothing asks for the notes.</remarks>
    public void Begin(ProtectedVmState state, ProtectedVmEffect effect)
    {
        // Only the start of the service's host reads these notes.
    }

    /// <inheritdoc/>
    public Task ReleaseAsync(string vm, bool keep) => _vms[vm].Target.ReleaseAsync(keep);
}
