using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>
/// Takes the effects of protected VMs from the engine, has them carried out, one at a time per VM and kind of resource,
/// and records the outcome under an id made of the effect's, so that an outcome that is told twice counts once (I19).
/// </summary>
internal sealed partial class ProtectedVmEffectHandler(
    ProtectedVms vms, EffectRunner runner, VmGates gates, TargetReady ready, TimeProvider time,
    ILogger<ProtectedVmEffectHandler> logger)
    : IEffectHandler<ProtectedVmCommand>
{
    private static readonly TimeSpan LookAgainEvery = TimeSpan.FromMilliseconds(500);

    /// <inheritdoc/>
    public async ValueTask HandleAsync(
        PersistenceId id, Effect effect, IEntityCommandSink<ProtectedVmCommand> sink,
            CancellationToken cancellationToken)
    {
        var asked = (ProtectedVmEffect)effect;
        await ready.WaitAsync(cancellationToken);
        using var turn = asked.Kind is EffectKind.TakeRecoveryPoint
            ? null : await gates.EnterAsync(id.Entity, cancellationToken);
        if (await CarryOutAsync(id.Entity, asked, cancellationToken) is not { } outcome)
        {
            return;
        }

        if (outcome is ProtectedVmCommand.RecordEffectFailed failed)
        {
            EffectFailed(asked.Kind, id.Entity, failed.Error.Message);
        }

        var key = ProtectedVms.IdOf($"{id}|{effect.Id}|{outcome.GetType().Name}");
        if (await sink.AskAsync(outcome, key, ProtectedVms.EngineActor,
            cancellationToken) is CommandReply.Refused refused)
        {
            OutcomeRefused(asked.Kind, id.Entity, refused.Refusal.Message);
        }
    }

    /// <summary>The outcome; null when the VM no longer asks for the effect, which ends a wait for what cannot
    /// come.</summary>
    private async Task<ProtectedVmCommand?> CarryOutAsync(string vm, ProtectedVmEffect effect, CancellationToken ct)
    {
        var state = await vms.StateAsync(vm, ct);
        if (!IsOwed(state, effect))
        {
            return null;
        }

        using var obsolete = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var running = runner.RunAsync(state, effect, obsolete.Token);
        while (await Task.WhenAny(running, Task.Delay(LookAgainEvery, time, ct)) != running)
        {
            if (!IsOwed(await vms.StateAsync(vm, ct), effect))
            {
                await obsolete.CancelAsync();
                await ((Task)running).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                return null;
            }
        }

        return await running;
    }

    private static bool IsOwed(ProtectedVmState state, ProtectedVmEffect effect) =>
        ProtectedVm.Outstanding(state).Any(owed => owed.Id == effect.Id);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} of '{Vm}' failed: {Reason}")]
    private partial void EffectFailed(EffectKind kind, string vm, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "the outcome of {Kind} of '{Vm}' was refused: {Reason}")]
    private partial void OutcomeRefused(EffectKind kind, string vm, string reason);
}
