using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>
/// Has the effects that a VM asks for carried out: one at a time per VM, but for recovery points and for fencing the
/// source; only while they are owed; and tells the outcome.
/// </summary>
/// <remarks>
/// Fencing only tells an agent what it may not know yet, and the agent may be silent for ever: it holds nothing up. The
/// agent obeys directives by their number, so one that is overtaken changes nothing.
/// </remarks>
internal sealed class EffectCarrier(
    Func<string, CancellationToken, ValueTask<ProtectedVmState>> stateOf, EffectRunner runner, VmGates gates,
    TimeProvider time)
{
    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMilliseconds(250);

    /// <summary>Carries one effect out and tells the outcome before the VM's next effect begins.</summary>
    public async Task CarryAsync(
        string vm, ProtectedVmEffect effect, Func<ProtectedVmCommand, CancellationToken, Task> tell,
        CancellationToken ct)
    {
        using var turn = effect.Kind is EffectKind.TakeRecoveryPoint or EffectKind.FenceSource
            ? null : await gates.EnterAsync(vm, ct);
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
        using var over = new CancellationTokenSource();
        var running = runner.RunAsync(state, effect, obsolete.Token);
        var watching = running.IsCompleted ? Task.CompletedTask : WatchAsync(vm, effect, obsolete, over.Token);
        try
        {
            var outcome = await running;
            return obsolete.IsCancellationRequested ? null : outcome;
        }
        catch (OperationCanceledException) when (obsolete.IsCancellationRequested && !ct.IsCancellationRequested)
        {
            return null;
        }
        finally
        {
            Cancel(over);
            await watching;
        }
    }

    /// <summary>Cancels the work when it is not owed any more. Nothing but timers and the work itself is waited for, so
    /// that all goes on in the context in which it began.</summary>
    private async Task WatchAsync(
        string vm, ProtectedVmEffect effect, CancellationTokenSource obsolete, CancellationToken over)
    {
        while (!over.IsCancellationRequested)
        {
            await Task.Delay(LookAgainEvery, time, over).ConfigureAwait(
                ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ContinueOnCapturedContext);
            if (!over.IsCancellationRequested && !IsOwed(await stateOf(vm, obsolete.Token), effect))
            {
                Cancel(obsolete);
                return;
            }
        }
    }

    private static void Cancel(CancellationTokenSource source) => source.Cancel();

    private static bool IsOwed(ProtectedVmState state, ProtectedVmEffect effect) =>
        ProtectedVm.Outstanding(state).Any(owed => owed.Id == effect.Id);
}
