using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>An effect that failed for a reason to be recorded.</summary>
internal class EffectFailedException(EffectError error) : Exception(error.Message)
{
    /// <summary>The reason.</summary>
    public EffectError Error { get; } = error;
}

/// <summary>The source side's agent is away or does not answer; an effect that can do without it goes on.</summary>
internal sealed class SourceSilentException(EffectError error) : EffectFailedException(error);
