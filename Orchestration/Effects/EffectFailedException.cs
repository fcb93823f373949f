using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>An effect that failed for a reason to be recorded.</summary>
internal sealed class EffectFailedException(EffectError error) : Exception(error.Message)
{
    /// <summary>The reason.</summary>
    public EffectError Error { get; } = error;
}
