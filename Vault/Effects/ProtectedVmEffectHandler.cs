using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Vault.Effects;

/// <summary>
/// Takes the effects of protected VMs from the engine, has them carried out, one at a time per VM and kind of resource, and
/// records the outcome under an id made of the effect's, so that an outcome that is told twice counts once (I19).
/// </summary>
internal sealed partial class ProtectedVmEffectHandler(
    ProtectedVms vms, EffectRunner runner, VmGates gates, ILogger<ProtectedVmEffectHandler> logger)
    : IEffectHandler<ProtectedVmCommand>
{
    /// <inheritdoc/>
    public async ValueTask HandleAsync(
        PersistenceId id, Effect effect, IEntityCommandSink<ProtectedVmCommand> sink, CancellationToken cancellationToken)
    {
        var asked = (ProtectedVmEffect)effect;
        using var turn = await gates.EnterAsync(id.Entity, cancellationToken);
        var state = await vms.StateAsync(id.Entity, cancellationToken);
        var outcome = await runner.RunAsync(state, asked, cancellationToken);
        if (outcome is ProtectedVmCommand.RecordEffectFailed failed)
        {
            EffectFailed(asked.Kind, id.Entity, failed.Error.Message);
        }

        var key = ProtectedVms.IdOf($"{id}|{effect.Id}|{outcome.GetType().Name}");
        if (await sink.AskAsync(outcome, key, ProtectedVms.EngineActor, cancellationToken) is CommandReply.Refused refused)
        {
            OutcomeRefused(asked.Kind, id.Entity, refused.Refusal.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} of '{Vm}' failed: {Reason}")]
    private partial void EffectFailed(EffectKind kind, string vm, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "the outcome of {Kind} of '{Vm}' was refused: {Reason}")]
    private partial void OutcomeRefused(EffectKind kind, string vm, string reason);
}
