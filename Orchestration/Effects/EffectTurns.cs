using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>
/// Runs the effects of VMs: one at a time per VM, except recovery points and fencing of the source, and only while they
/// are outstanding. Reports each outcome.
/// </summary>
/// <remarks>
/// Fencing only notifies an agent of what it may not know yet, and the agent may stay silent, so fencing blocks
/// nothing. The agent obeys directives by their number, so an outdated directive changes nothing.
/// </remarks>
public sealed class EffectTurns(
    Func<string, CancellationToken, ValueTask<ProtectedVmState>> stateOf, EffectRunner runner, VmGates gates)
{
    /// <summary>Runs one effect and reports its outcome before the VM's next effect begins.</summary>
    /// <param name="vm">The name of the VM.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="tell">Reports the outcome to the VM.</param>
    /// <param name="outstanding">Cancelled when the effect is no longer outstanding, which ends a wait that cannot
    /// succeed.</param>
    /// <exception cref="OperationCanceledException">The effect is no longer outstanding, and nothing was
    /// reported.</exception>
    public async Task RunAsync(
        string vm, ProtectedVmEffect effect, Func<ProtectedVmCommand, CancellationToken, Task> tell,
        CancellationToken outstanding)
    {
        using var turn = effect.Kind is EffectKind.TakeRecoveryPoint or EffectKind.FenceSource
            ? null : await gates.EnterAsync(vm, outstanding);
        var state = await stateOf(vm, outstanding);
        if (ProtectedVm.Outstanding(state).Any(other => other.Id == effect.Id))
        {
            var outcome = await runner.RunAsync(state, effect, outstanding);
            outstanding.ThrowIfCancellationRequested();
            await tell(outcome, outstanding);
        }
    }
}
