using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I19: a command that is delivered again, late or after a restart of the service, has one effect and one reply. No
/// reply comes before its events are durable.
/// </summary>
internal sealed class OneAnswerChecker : Checker
{
    private readonly Dictionary<CommandId, long> _effects = [];
    private readonly HashSet<(string Entity, Guid Command)> _seen = [];
    private readonly Dictionary<PersistenceId, long> _durable = [];

    /// <inheritdoc/>
    public override string Id => "I19";

    /// <inheritdoc/>
    public override void Appended(SeenAppend seen)
    {
        if (!seen.Stored)
        {
            return;
        }

        var last = seen.Events[^1];
        if (!_seen.Add((seen.Id.Entity, last.CommandId.Value)))
        {
            throw new InvariantBrokenException(Id, $"command {last.CommandId} took effect twice in {seen.Id}");
        }

        _effects[last.CommandId] = last.Sequence;
        _durable[seen.Id] = last.Sequence;
    }

    /// <inheritdoc/>
    public override void Answered(SimVm vm, CommandId id, ProtectedVmCommand command, CommandReply reply)
    {
        if (reply is CommandReply.Accepted early && early.Sequence > _durable.GetValueOrDefault(vm.Id))
        {
            throw Broken(vm, $"{command.GetType().Name} was answered before event {early.Sequence} was durable");
        }

        if (!_effects.TryGetValue(id, out var sequence))
        {
            return;
        }

        if (reply is CommandReply.Refused refused)
        {
            throw Broken(vm, $"{command.GetType().Name} took effect and was refused: {refused.Refusal.Message}");
        }

        if (reply is CommandReply.Accepted accepted && accepted.Sequence != sequence)
        {
            throw Broken(vm, $"{command.GetType().Name} is event {sequence} and was answered {accepted.Sequence}");
        }
    }
}
