using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>
/// Has the effects that a VM asks for carried out: one at a time per VM, but for recovery points and for fencing the
/// source; only while they are outstanding; and tells the outcome.
/// </summary>
/// <remarks>
/// Fencing only tells an agent what it may not know yet, and the agent may be silent for ever: it holds nothing up. The
/// agent obeys directives by their number, so one that is overtaken changes nothing.
/// </remarks>
public sealed class EffectTurns(
    Func<string, CancellationToken, ValueTask<ProtectedVmState>> stateOf, EffectRunner runner, VmGates gates)
{
    /// <summary>Carries one effect out and tells the outcome before the VM's next effect begins.</summary>
    /// <param name="vm">The VM.</param>
    /// <param name="effect">The effect.</param>
    /// <param name="tell">Tells the VM the outcome.</param>
    /// <param name="outstanding">Cancelled when the effect is outstanding no longer, which ends a wait for what cannot
    /// come.</param>
    /// <exception cref="OperationCanceledException">It is outstanding no longer; nothing was told.</exception>
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
