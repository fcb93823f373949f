using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>The target sides of all VMs.</summary>
internal interface ITargetSite
{
    /// <summary>A VM's target side; null when there is none.</summary>
    TargetVolume? Find(string vm);

    /// <summary>A VM's target side, new or as it was left.</summary>
    TargetVolume Obtain(string vm);

    /// <summary>Lets a VM's target side go: what is served ends, and its data are deleted unless they are to be
    /// kept.</summary>
    Task ReleaseAsync(string vm, bool keep);
}
