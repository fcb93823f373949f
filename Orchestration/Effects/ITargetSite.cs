using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>The target sides of all VMs.</summary>
public interface ITargetSite
{
    /// <summary>A VM's target side; null when there is none.</summary>
    ITargetVolume? Find(string vm);

    /// <summary>A VM's target side, new or as it was left.</summary>
    ITargetVolume Obtain(string vm);

    /// <summary>
    /// Says why the replica that lies in a VM's directory must not be used for it: it belongs to another history, or
    /// its disks are others. Null when there is none, or when it is this VM's.
    /// </summary>
    string? WhyNotOwn(ProtectedVmState state, IReadOnlyList<ProtectedDisk> disks);

    /// <summary>
    /// An effect is about to act on a VM's target: notes there how far the VM's history is, durably, so that an older
    /// journal is noticed when the service starts. Leaves a replica that is not the VM's as it is.
    /// </summary>
    /// <exception cref="IOException">It cannot be noted.</exception>
    void Begin(ProtectedVmState state, ProtectedVmEffect effect);

    /// <summary>Lets a VM's target side go: what is served ends, and its data are deleted unless they are to be
    /// kept.</summary>
    Task ReleaseAsync(string vm, bool keep);
}
