namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// The domain says no: a stable code for programs (kebab case, such as <c>resync-in-progress</c>) and one clear
/// sentence for people that names the value and the remedy. Each aggregate derives its own closed set.
/// </summary>
public abstract record Refusal
{
    /// <summary>The stable code.</summary>
    public abstract string Code { get; }

    /// <summary>One sentence: what was refused, why, and what to do instead.</summary>
    public abstract string Message { get; }
}
