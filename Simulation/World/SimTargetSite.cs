using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.World;

/// <summary>The target sides of all VMs within the service.</summary>
internal sealed class SimTargetSite(SimWorld world) : ITargetSite
{
    private readonly Dictionary<string, SimVm> _vms = world.Vms.ToDictionary(vm => vm.Name, StringComparer.Ordinal);

    /// <inheritdoc/>
    public TargetVolume? Find(string vm) => _vms.GetValueOrDefault(vm)?.Target.Volume;

    /// <inheritdoc/>
    public TargetVolume Obtain(string vm) => _vms[vm].Target.Obtain();

    /// <inheritdoc/>
    public Task ReleaseAsync(string vm, bool keep) => _vms[vm].Target.ReleaseAsync(keep);
}
