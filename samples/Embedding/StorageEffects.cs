using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Samples.Embedding;

/// <summary>
/// Runs the effects of protected VMs on a storage system. The sample has no storage system, so it reports each effect
/// as done. An effect may be delivered twice (after a restart), so a real handler describes the state to reach and does
/// nothing if that state already holds.
/// </summary>
internal sealed class StorageEffects : IEffectHandler<ProtectedVmCommand>
{
    /// <inheritdoc/>
    public async ValueTask HandleAsync(
        PersistenceId id, Effect effect, IEntityCommandSink<ProtectedVmCommand> sink,
        CancellationToken cancellationToken)
    {
        EffectResult result = effect is ProtectedVmEffect.CheckPrerequisites check
            ? new EffectResult.PrerequisitesMet(check.Disks)
            : new EffectResult.Done();
        await TellAsync(new ProtectedVmCommand.RecordEffectSucceeded(effect.Id, result));
        if (effect is ProtectedVmEffect.StartInitialReplication)
        {
            // A real handler starts the copy and sends this command when both sides are equal.
            await TellAsync(new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, SentBytes: 0));
        }

        ValueTask<Actors.Entities.CommandReply> TellAsync(ProtectedVmCommand fact) =>
            sink.AskAsync(fact, new CommandId(Guid.NewGuid()), "storage", cancellationToken);
    }
}
