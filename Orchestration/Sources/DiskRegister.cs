using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>
/// Assigns disks to VMs across all agents (A1), because two agents of one machine may be given the same disk under
/// different names or in different layers. Safe for concurrent use: of two VMs checked at the same time, one gets the
/// disk.
/// </summary>
/// <param name="agents">The agents, which report the current identity of their disks.</param>
/// <param name="vms">Returns the states of all VMs of the vault.</param>
public sealed class DiskRegister(
    IAgents agents, Func<CancellationToken, Task<IReadOnlyList<ProtectedVmState>>> vms)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ValueList<ProtectedDisk>> _checked = new(StringComparer.Ordinal);

    /// <summary>
    /// Checks whether disks can belong to a VM. Returns each reason against it as one sentence; when there is none, the
    /// disks are assigned to the VM.
    /// </summary>
    public async Task<ValueList<string>> CheckAsync(
        string vm, ValueList<ProtectedDisk> disks, CancellationToken cancellationToken)
    {
        var states = await vms(cancellationToken);
        lock (_lock)
        {
            foreach (var known in states.Where(state => HasEnded(state) || IsReported(state)))
            {
                _checked.Remove(known.Enrollment.Vm.Value);
            }

            var others = states.Where(state => !HasEnded(state) && state.Enrollment.Vm.Value != vm)
                .SelectMany(state => Known(state).Select(known => (Vm: state.Enrollment.Vm.Value, Disk: known)))
                .Concat(_checked.Where(entry => entry.Key != vm)
                    .SelectMany(entry => entry.Value.Select(known => (Vm: entry.Key, Disk: known))))
                .ToList();
            var problems = disks.SelectMany(disk => others
                    .Where(other => Conflict(disk, other.Disk)).Take(1)
                    .Select(other => $"Disk '{disk.Path}' is the same as, or shares bytes with, '{other.Disk.Path}' of "
                        + $"'{other.Vm}', which is already protected; disable that protection first."))
                .ToValueList();
            if (problems.Count == 0)
            {
                _checked[vm] = disks;
            }

            return problems;
        }
    }

    private static bool HasEnded(ProtectedVmState state) =>
        state.Phase is Phase.NotProtected or Phase.EnableFailed or Phase.Disabled;

    // A disk may be replaced by another one under its path; the former disk then belongs to no VM.
    private bool IsReported(ProtectedVmState state) =>
        agents.Observations.Status(state.Enrollment.Vm.Value)?.Disks is { } reported
        && state.Enrollment.Disks.All(disk =>
            reported.Any(now => now.Path == disk.Path && now.Identity is { Length: > 0 }));

    // Device numbers hold for one boot, so the agent's current report takes precedence over the identity at protection.
    private IEnumerable<ProtectedDisk> Known(ProtectedVmState state)
    {
        var reported = agents.Observations.Status(state.Enrollment.Vm.Value)?.Disks ?? [];
        return state.Enrollment.Disks.Select(disk =>
            reported.FirstOrDefault(now => now.Path == disk.Path) is { Identity.Length: > 0 } now
                ? disk with { Identity = now.Identity } : disk);
    }

    private static bool Conflict(ProtectedDisk one, ProtectedDisk other) =>
        DiskIdentity.Parse(one.Identity) is { } a && DiskIdentity.Parse(other.Identity) is { } b && a.ConflictsWith(b);
}
