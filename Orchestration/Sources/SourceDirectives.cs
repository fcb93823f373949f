using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>
/// The directives to agents about their VMs' source sides. Effects that change a role send them, and they are sent
/// again whenever the agent connects, so an agent that was away cannot miss a failover (FOV-8).
/// <see cref="SourceDuty"/> has the rules.
/// </summary>
internal static class SourceDirectives
{
    /// <summary>
    /// Returns the directive for a VM; null while the agent has nothing to do with the VM. <paramref name="keyOf"/>
    /// returns the VM's data key, creating it if needed; it is not called for a VM that is released.
    /// </summary>
    public static VolumeDirective? For(ProtectedVmState state, Func<string, string> keyOf)
    {
        if (SourceDuty.Of(state) is not { } duty)
        {
            return null;
        }

        var cut = duty.Cut is { } point ? new ChangeCut(point.Generation.Value, point.Lsn.Value) : null;
        return new VolumeDirective(
            state.Enrollment.Vm.Value, [.. state.Enrollment.Disks.Select(d => d.Path)], duty.Role,
            duty.Term.Value, duty.Replicating,
            duty.Role == SourceRole.Released ? "" : keyOf(state.Enrollment.Vm.Value), duty.CopyId, state.EventCount,
            cut)
        {
            // An unplanned failover does not involve the agent.
            Force = state.Phase is Phase.FailingOver { Kind: FailoverKind.Unplanned } or Phase.FailingOver
            {
                Forced: true,
            },
        };
    }
}
