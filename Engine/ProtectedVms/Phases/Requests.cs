using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>
/// The rules of users' requests, in every phase. A request that changes something is recorded with its id before the
/// resulting events, so a repeated id is recognised (I19).
/// </summary>
internal static class Requests
{
    private const int Remembered = 64;

    /// <summary>
    /// Decides a request whose id is known: the same request changes nothing, a different one is refused. Returns null
    /// for a new request, and for a command whose sender derives its ids from the content.
    /// </summary>
    public static Decision<ProtectedVmEvent>? AnswerKnown(ProtectedVmState state, DecisionContext context) =>
        context.Digest is not { } digest ? null
        : state.Accepted.FirstOrDefault(accepted => accepted.Id == context.CommandId) is not { } known ? null
        : string.Equals(known.Digest, digest, StringComparison.Ordinal) ? Accept()
        : Decision<ProtectedVmEvent>.Refuse(new CommandIdReused(context.CommandId));

    /// <summary>
    /// Returns the decision about a new request, with the request recorded before the resulting events.
    /// </summary>
    public static Decision<ProtectedVmEvent> Record(
        Decision<ProtectedVmEvent> decision, DecisionContext context) =>
        context.Digest is { } digest && decision is Decision<ProtectedVmEvent>.Accepted { Events: [_, ..] events }
            ? Accept([new CommandAccepted(context.Now, context.Actor, context.CommandId, digest), .. events])
            : decision;

    /// <summary>
    /// Records a request and forgets the oldest one. The journal still knows a forgotten id, but a later request with
    /// that id can no longer be recognised as the same request.
    /// </summary>
    public static ProtectedVmState Evolve(ProtectedVmState state, CommandAccepted e)
    {
        if (state.Accepted.Any(accepted => accepted.Id == e.Command))
        {
            throw state.Impossible(e);
        }

        var accepted = state.Accepted.Add(new AcceptedCommand(e.Command, e.Digest, state.EventCount));
        return state with
        {
            Accepted = accepted.Count > Remembered ? accepted.Skip(1).ToValueList() : accepted,
        };
    }
}
