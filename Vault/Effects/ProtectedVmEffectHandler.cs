using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>
/// Runs the effects that the engine delivers for protected VMs, and records each outcome under an id derived from the
/// effect's id, so that an outcome that is delivered twice counts once (I19).
/// </summary>
internal sealed partial class ProtectedVmEffectHandler(
    ProtectedVms vms, EffectRunner runner, VmGates gates, TargetReady ready,
    ILogger<ProtectedVmEffectHandler> logger)
    : IEffectHandler<ProtectedVmCommand>
{
    private readonly EffectTurns _turns = new(vms.StateAsync, runner, gates);

    /// <inheritdoc/>
    public async ValueTask HandleAsync(
        PersistenceId id, Effect effect, IEntityCommandSink<ProtectedVmCommand> sink,
            CancellationToken cancellationToken)
    {
        var asked = (ProtectedVmEffect)effect;
        await ready.WaitAsync(cancellationToken);
        await _turns.RunAsync(id.Entity, asked, TellAsync, cancellationToken);

        async Task TellAsync(ProtectedVmCommand outcome, CancellationToken ct)
        {
            if (outcome is ProtectedVmCommand.RecordEffectFailed failed)
            {
                EffectFailed(asked.Kind, id.Entity, failed.Error.Message);
            }

            var key = EngineCommandIds.OfOutcome(id, effect.Id, outcome);
            switch (await sink.AskAsync(outcome, key, ProtectedVms.EngineActor, ct))
            {
                case CommandReply.Refused refused:
                    OutcomeRefused(asked.Kind, id.Entity, refused.Refusal.Message);
                    break;
                case CommandReply.Unavailable unavailable:
                    // The effect stays outstanding and is run again; effects are idempotent.
                    throw new JournalUnavailableException(unavailable.Message);
            }
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Kind} of '{Vm}' failed: {Reason}")]
    private partial void EffectFailed(EffectKind kind, string vm, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "the outcome of {Kind} of '{Vm}' was refused: {Reason}")]
    private partial void OutcomeRefused(EffectKind kind, string vm, string reason);
}
