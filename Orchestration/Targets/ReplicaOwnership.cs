using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>Checks and records which VM and history a replica in a VM's directory belongs to.</summary>
public sealed class ReplicaOwnership(IStorageDirectory directory)
{
    private readonly ReplicaIdentityFile _file = new(directory);

    private bool HasReplica => directory.ListDirectories().Contains(TargetVolume.StoreDirectory, StringComparer.Ordinal)
        && ReplicaStore.Exists(directory.Subdirectory(TargetVolume.StoreDirectory));

    /// <summary>
    /// Returns why the replica must not be used for a VM. Null when there is no replica, or when it is the VM's own: it
    /// was created by this protection, or kept when the previous one was disabled, and has these disks.
    /// </summary>
    /// <param name="state">The state of the VM.</param>
    /// <param name="disks">The disks that the replica must hold; empty to check only the owner.</param>
    public string? WhyNot(ProtectedVmState state, IReadOnlyList<ProtectedDisk> disks)
    {
        if (!HasReplica)
        {
            return null;
        }

        var vm = state.Enrollment.Vm.Value;
        ReplicaIdentity? identity;
        try
        {
            identity = _file.Read();
        }
        catch (ReplicaCorruptException e)
        {
            return $"'{directory.Path}' contains a replica whose owner cannot be read: {e.Message}";
        }

        if (identity is null)
        {
            return $"'{directory.Path}' contains a replica without an owner.";
        }

        return identity.ReplicaSince != state.ReplicaSince || identity.Vm != vm
            ? $"'{directory.Path}' contains a replica of another history: of '{identity.Vm}', created "
                + $"{identity.ReplicaSince:yyyy-MM-dd HH:mm:ss}Z."
            : disks.Count == 0 ? null : WhyNotTheseDisks(identity, disks);
    }

    /// <summary>Records that an effect acts on behalf of a VM; see <see cref="Effects.ITargetSite.Begin"/>.</summary>
    /// <exception cref="StorageException">An I/O error of the operating system.</exception>
    public void Begin(ProtectedVmState state, ProtectedVmEffect effect)
    {
        switch (effect)
        {
            case ProtectedVmEffect.CheckPrerequisites or ProtectedVmEffect.AttachSource:
                // The target is not touched, and its content may belong to another VM.
                break;
            case ProtectedVmEffect.PrepareTarget prepare:
                if (WhyNot(state, [.. prepare.Disks]) is null)
                {
                    _file.Write(ReplicaIdentity.Of(state, effect));
                }

                break;
            case ProtectedVmEffect.ReleaseProtection when WhyNot(state, []) is not null:
                break;
            default:
                if (HasReplica)
                {
                    Note(ReplicaIdentity.Of(state, effect));
                }

                break;
        }
    }

    // The disks are those for which the replica was prepared, also while an enabling with others fails.
    private void Note(ReplicaIdentity identity)
    {
        ReplicaIdentity? known;
        try
        {
            known = _file.Read();
        }
        catch (ReplicaCorruptException)
        {
            // The identity is damaged. The VM's state says that the replica is in use, so the file is replaced.
            known = null;
        }

        _file.Write(known is null ? identity : identity with { Disks = known.Disks });
    }

    private string? WhyNotTheseDisks(ReplicaIdentity identity, IReadOnlyList<ProtectedDisk> disks)
    {
        if (!identity.Disks.Select(d => d.Path).SequenceEqual(disks.Select(d => d.Path), StringComparer.Ordinal))
        {
            return $"The replica in '{directory.Path}' has other disks: "
                + $"{string.Join(", ", identity.Disks.Select(d => $"'{d.Path}'"))}.";
        }

        return identity.Disks.Zip(disks).FirstOrDefault(pair => pair.Second.SizeBytes < pair.First.SizeBytes)
            is ({ } kept, { } now)
            ? $"Disk '{now.Path}' has {now.SizeBytes} bytes, but the replica in '{directory.Path}' has "
                + $"{kept.SizeBytes}; a replica never shrinks."
            : null;
    }
}
