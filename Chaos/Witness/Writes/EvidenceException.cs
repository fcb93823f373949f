namespace ReplicationEngine.Chaos.Witness.Writes;

/// <summary>A finding contradicts an earlier observation; the message states both.</summary>
public sealed class EvidenceException(string message) : Exception(message)
{
    /// <summary>Throws unless a condition holds.</summary>
    /// <exception cref="EvidenceException">The condition does not hold.</exception>
    public static void Unless(bool condition, string message)
    {
        if (!condition)
        {
            throw new EvidenceException(message);
        }
    }
}
