namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// A rejection of a command by the domain: a stable code for programs (kebab case, such as <c>resync-in-progress</c>)
/// and one sentence for users that names the value and the remedy. Each aggregate derives its own closed set.
/// </summary>
public abstract record Refusal
{
    /// <summary>The stable code, in kebab case.</summary>
    public abstract string Code { get; }

    /// <summary>A sentence for users: what was refused, why, and what to do instead.</summary>
    public abstract string Message { get; }
}

/// <summary>
/// The id belongs to another command of the same entity, or to a command too old to be compared (I19).
/// </summary>
public sealed record CommandIdReused(Identifiers.CommandId Id) : Refusal
{
    /// <inheritdoc/>
    public override string Code => "command-id-reused";

    /// <inheritdoc/>
    public override string Message =>
        $"Command id {Id} was already used for another operation or with other arguments; nothing was done. Give each "
        + "request its own id, and reuse an id only to repeat the same request.";
}
