using ReplicationEngine.Agent.Protocol.Control;

namespace ReplicationEngine.Agent.Volumes;

/// <summary>A volume cannot do what the service requested; it becomes a failed reply.</summary>
internal sealed class VolumeException(string code, string message, string remedy, bool recoverable) : Exception(message)
{
    /// <summary>The exception's content as a problem to report.</summary>
    public VolumeProblem Problem => new(Code, Message, Remedy, Recoverable);

    /// <summary>The stable error code.</summary>
    public string Code { get; } = code;

    /// <summary>The remedy for the operator.</summary>
    public string Remedy { get; } = remedy;

    /// <summary>Whether a later retry may succeed (ERR-1).</summary>
    public bool Recoverable { get; } = recoverable;
}
