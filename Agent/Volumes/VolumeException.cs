using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>A volume cannot do what the service asked; becomes a failed answer.</summary>
internal sealed class VolumeException(string code, string message, string remedy, bool recoverable) : Exception(message)
{
    /// <summary>The same, to be reported.</summary>
    public VolumeProblem Problem => new(Code, Message, Remedy, Recoverable);

    /// <summary>The stable code.</summary>
    public string Code { get; } = code;

    /// <summary>What a person can do.</summary>
    public string Remedy { get; } = remedy;

    /// <summary>Whether another try later may succeed (ERR-1).</summary>
    public bool Recoverable { get; } = recoverable;
}
