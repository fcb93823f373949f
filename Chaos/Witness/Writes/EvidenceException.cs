namespace ReplicationEngine.Chaos.Witness.Writes;

/// <summary>What was found contradicts what was seen; the message says both.</summary>
public sealed class EvidenceException(string message) : Exception(message)
{
    /// <summary>Throws unless a condition holds.</summary>
    /// <exception cref="EvidenceException">It does not.</exception>
    public static void Unless(bool condition, string message)
    {
        if (!condition)
        {
            throw new EvidenceException(message);
        }
    }
}
