namespace ReplicationEngine.Chaos.Checks;

/// <summary>An invariant is violated.</summary>
/// <param name="invariant">The invariant's name, such as <c>I2</c> or <c>recovery</c>.</param>
/// <param name="message">The observation, in one sentence.</param>
internal sealed class ViolationException(string invariant, string message) : Exception(message)
{
    /// <summary>The invariant's name.</summary>
    public string Invariant { get; } = invariant;
}
