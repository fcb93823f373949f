using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I18: an append is taken if and only if head and epoch are right; a number is never given twice. By a model of its
/// own: the head of each stream, and the newest epoch.
/// </summary>
internal sealed class AppendChecker(SimWorld world) : Checker
{
    private readonly Dictionary<PersistenceId, StreamHead> _heads = [];
    private readonly HashSet<(PersistenceId Id, Guid Command)> _commands = [];

    /// <inheritdoc/>
    public override string Id => "I18";

    /// <inheritdoc/>
    public override void Appended(AppendRequest request, AppendOutcome outcome)
    {
        var head = _heads.GetValueOrDefault(request.Id, StreamHead.Start);
        var current = request.Token.Epoch == world.Journal.Epoch;
        var fresh = !_commands.Contains((request.Id, request.CommandId.Value));
        var due = current && fresh && request.Expected == head;
        if (due != outcome is AppendOutcome.Appended)
        {
            throw new InvariantBrokenException(
                Id, $"{request.Id}: an append to {request.Expected.Sequence} under epoch {request.Token.Epoch} got "
                    + $"{outcome}; the stream ends at {head.Sequence}, the epoch is {world.Journal.Epoch}");
        }

        if (due)
        {
            _heads[request.Id] = request.NewHead;
            _commands.Add((request.Id, request.CommandId.Value));
        }
    }
}
