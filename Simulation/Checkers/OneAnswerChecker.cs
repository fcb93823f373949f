using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I19: a command delivered again, late or to another life, has one effect and one answer.</summary>
internal sealed class OneAnswerChecker : Checker
{
    private readonly Dictionary<CommandId, long> _effects = [];
    private readonly HashSet<(string Entity, Guid Command)> _seen = [];

    /// <inheritdoc/>
    public override string Id => "I19";

    /// <inheritdoc/>
    public override void Appended(AppendRequest request, AppendOutcome outcome)
    {
        if (outcome is not AppendOutcome.Appended)
        {
            return;
        }

        if (!_seen.Add((request.Id.Entity, request.CommandId.Value)))
        {
            throw new InvariantBrokenException(Id, $"command {request.CommandId} took effect twice in {request.Id}");
        }

        _effects[request.CommandId] = request.NewHead.Sequence;
    }

    /// <inheritdoc/>
    public override void Answered(SimVm vm, CommandId id, ProtectedVmCommand command, CommandReply reply)
    {
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
