namespace ReplicationEngine.Chaos.Checks;

/// <summary>Something that must hold does not.</summary>
/// <param name="invariant">Which, such as <c>I2</c> or <c>recovery</c>.</param>
/// <param name="message">What was seen, in one sentence.</param>
internal sealed class ViolationException(string invariant, string message) : Exception(message)
{
    /// <summary>Which.</summary>
    public string Invariant { get; } = invariant;
}
