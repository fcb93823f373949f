using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>Thrown when an effect fails for a reason to be recorded.</summary>
internal class EffectFailedException(EffectError error) : Exception(error.Message)
{
    /// <summary>The reason of the failure.</summary>
    public EffectError Error { get; } = error;
}

/// <summary>
/// Thrown when the source side's agent is away or does not respond. An effect that does not need it continues.
/// </summary>
internal sealed class SourceSilentException(EffectError error) : EffectFailedException(error);
