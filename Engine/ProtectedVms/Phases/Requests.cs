using ReplicationEngine.Engine.Kernel;
using static ReplicationEngine.Engine.ProtectedVms.Phases.Decisions;
using static ReplicationEngine.Engine.ProtectedVms.ProtectedVmEvent;

namespace ReplicationEngine.Engine.ProtectedVms.Phases;

/// <summary>
/// Users' requests, in every phase: one that changes something is recorded with its id before what it leads to, so that
/// the id is known when it comes again (I19).
/// </summary>
internal static class Requests
{
    private const int Remembered = 64;

    /// <summary>
    /// The answer to a request whose id is known: the same request changes nothing, another is refused. Null for a new
    /// request, and for a command whose sender makes its ids of what it sends.
    /// </summary>
    public static Decision<ProtectedVmEvent>? AnswerKnown(ProtectedVmState state, DecisionContext context) =>
        context.Digest is not { } digest ? null
        : state.Accepted.FirstOrDefault(accepted => accepted.Id == context.CommandId) is not { } known ? null
        : string.Equals(known.Digest, digest, StringComparison.Ordinal) ? Accept()
        : Decision<ProtectedVmEvent>.Refuse(new CommandIdReused(context.CommandId));

    /// <summary>The decision about a new request, with the request before the events that it leads to.</summary>
    public static Decision<ProtectedVmEvent> Record(
        Decision<ProtectedVmEvent> decision, DecisionContext context) =>
        context.Digest is { } digest && decision is Decision<ProtectedVmEvent>.Accepted { Events: [_, ..] events }
            ? Accept([new CommandAccepted(context.Now, context.Actor, context.CommandId, digest), .. events])
            : decision;

    /// <summary>
    /// Remembers a request. The oldest is forgotten; the journal still knows its id, and then no request under it can
    /// be told to be the same.
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
