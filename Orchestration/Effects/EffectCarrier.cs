using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>
/// Has the effects that a VM asks for carried out: one at a time per VM, but for recovery points; only while they are
/// owed; and tells the outcome.
/// </summary>
internal sealed class EffectCarrier(
    Func<string, CancellationToken, ValueTask<ProtectedVmState>> stateOf, EffectRunner runner, VmGates gates,
    TimeProvider time)
{
    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMilliseconds(500);

    /// <summary>Carries one effect out and tells the outcome before the VM's next effect begins.</summary>
    public async Task CarryAsync(
        string vm, ProtectedVmEffect effect, Func<ProtectedVmCommand, CancellationToken, Task> tell,
        CancellationToken ct)
    {
        using var turn = effect.Kind is EffectKind.TakeRecoveryPoint ? null : await gates.EnterAsync(vm, ct);
        if (await OutcomeAsync(vm, effect, ct) is { } outcome)
        {
            await tell(outcome, ct);
        }
    }

    /// <summary>The outcome; null when the VM no longer asks for the effect, which ends a wait for what cannot
    /// come.</summary>
    private async Task<ProtectedVmCommand?> OutcomeAsync(string vm, ProtectedVmEffect effect, CancellationToken ct)
    {
        var state = await stateOf(vm, ct);
        if (!IsOwed(state, effect))
        {
            return null;
        }

        using var obsolete = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var running = runner.RunAsync(state, effect, obsolete.Token);
        while (!running.IsCompleted && await Task.WhenAny(running, Task.Delay(LookAgainEvery, time, ct)) != running)
        {
            if (!IsOwed(await stateOf(vm, ct), effect))
            {
                Cancel(obsolete);
                await ((Task)running).ConfigureAwait(
                    ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
                return null;
            }
        }

        return await running;
    }

    // What waits goes on in its own context either way; no thread has to be taken for it.
    private static void Cancel(CancellationTokenSource source) => source.Cancel();

    private static bool IsOwed(ProtectedVmState state, ProtectedVmEffect effect) =>
        ProtectedVm.Outstanding(state).Any(owed => owed.Id == effect.Id);
}
