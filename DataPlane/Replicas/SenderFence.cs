using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Manifests;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// The sender that a store accepts: the term is a fencing token that the store itself checks (I15), and the incarnation
/// distinguishes one run of a source from the next.
/// </summary>
/// <remarks>The store's session lock guards the fence.</remarks>
internal sealed class SenderFence(StoreState state, WriteGuard guard)
{
    private Term _admitted = state.Term;

    /// <summary>Raises the store's term durably.</summary>
    /// <exception cref="ReplicaRefusedException">The store's term is higher already.</exception>
    public void Raise(Term term)
    {
        var order = term.CompareTo(state.Term);
        if (order < 0)
        {
            throw Stale(term);
        }

        if (order > 0)
        {
            guard.Commit(new StoreRecord.TermRaised(term));
        }
    }

    /// <summary>Accepts a sender under a term and raises the store's term to it.</summary>
    /// <exception cref="ReplicaRefusedException">The sender's term is stale.</exception>
    public void Admit(Term term)
    {
        Raise(term);
        _admitted = term;
    }

    /// <exception cref="ReplicaRefusedException">The store's term was raised after the sender started.</exception>
    public void EnsureCurrent()
    {
        if (_admitted != state.Term)
        {
            throw Stale(_admitted);
        }
    }

    /// <summary>Stores the sender's incarnation durably.</summary>
    public void Name(Guid incarnation)
    {
        if (incarnation != state.Source)
        {
            guard.Commit(new StoreRecord.SourceNamed(incarnation));
        }
    }

    private ReplicaRefusedException Stale(Term term) => new(
        ReplicaRefusal.StaleTerm,
        $"Term {term} is stale: the replica of '{state.VmId}' was failed over and has term "
        + $"{state.Term}. Reprotect the machine first.");
}
