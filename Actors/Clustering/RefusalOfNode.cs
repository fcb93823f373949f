using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>A refusal that another node decided: its code and message are those of the original.</summary>
internal sealed record RefusalOfNode(string Name, string Sentence) : Refusal
{
    /// <inheritdoc/>
    public override string Code => Name;

    /// <inheritdoc/>
    public override string Message => Sentence;
}
