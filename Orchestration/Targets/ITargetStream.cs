using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>The target side of one VM as data sessions use it: who may send, who may receive, and into what.</summary>
public interface ITargetStream
{
    /// <summary>Returns what is offered to a source that wants to send; null while there is nothing to receive
    /// into.</summary>
    /// <exception cref="SessionRefusedException">It must not send.</exception>
    SessionOffer? OfferToReceive();

    /// <summary>
    /// Opens the replica for a sender. Damage that the replica finds meanwhile is noted as the target side's fault, and
    /// forgotten with the next sync: what is durable further on shows that the replica takes changes again; a mere
    /// connection does not.
    /// </summary>
    /// <param name="term">The sender's term.</param>
    /// <exception cref="ReplicaRefusedException">The sender's term is stale, or there is no replica.</exception>
    IReplicaSink Receive(Term term);

    /// <summary>Returns what is offered to an old source that wants to receive; null while there is nothing to
    /// send.</summary>
    SessionOffer? OfferToSend();
}
