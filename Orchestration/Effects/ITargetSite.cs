using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>The target sides of all VMs.</summary>
public interface ITargetSite
{
    /// <summary>Returns a VM's target side; null when there is none.</summary>
    ITargetVolume? Find(string vm);

    /// <summary>Returns a VM's target side, newly created or in its existing state.</summary>
    ITargetVolume Obtain(string vm);

    /// <summary>
    /// Returns why the replica in a VM's directory must not be used for the VM: it belongs to another history or has
    /// other disks. Null when there is no replica or it is the VM's own.
    /// </summary>
    string? WhyNotOwn(ProtectedVmState state, IReadOnlyList<ProtectedDisk> disks);

    /// <summary>
    /// Prepares for an effect that acts on a VM's target: durably records the VM's current position in its history, so
    /// that an older journal is detected when the service starts. Does not change a replica that is not the VM's.
    /// </summary>
    /// <exception cref="IOException">The record cannot be written.</exception>
    void Begin(ProtectedVmState state, ProtectedVmEffect effect);

    /// <summary>
    /// Releases a VM's target side: stops serving its machines, and deletes its data unless the caller keeps them.
    /// </summary>
    Task ReleaseAsync(string vm, bool keep);
}
