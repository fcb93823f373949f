using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Orchestration.Targets;

/// <summary>
/// The target side of one VM as used by data sessions: which side may send or receive, and the replica or machine
/// involved.
/// </summary>
public interface ITargetStream
{
    /// <summary>
    /// Returns the offer to a source that wants to send; null while there is no replica to receive into.
    /// </summary>
    /// <exception cref="SessionRefusedException">The source must not send.</exception>
    SessionOffer? OfferToReceive();

    /// <summary>
    /// Opens the replica for a sender. Damage that the replica finds meanwhile becomes the target side's fault, which
    /// the next sync clears: durable progress shows that the replica accepts changes again, a mere connection does not.
    /// </summary>
    /// <param name="term">The sender's term.</param>
    /// <exception cref="ReplicaRefusedException">The sender's term is stale, or there is no replica.</exception>
    IReplicaSink Receive(Term term);

    /// <summary>
    /// Returns the offer to an old source that wants to receive; null while there is nothing to send.
    /// </summary>
    SessionOffer? OfferToSend();
}
