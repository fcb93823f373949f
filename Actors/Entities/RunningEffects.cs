using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>The effects that a core has started and not cancelled. Used by one core.</summary>
internal sealed class RunningEffects
{
    private ImmutableArray<EffectId> _running = [];

    /// <summary>Whether no effect is running.</summary>
    public bool IsEmpty => _running.IsEmpty;

    /// <summary>
    /// Asks the host to cancel running effects that are no longer outstanding, and to start outstanding effects that
    /// are not running.
    /// </summary>
    /// <param name="outstanding">The effects that are outstanding now.</param>
    /// <param name="outputs">The list that receives the requests to the host.</param>
    public void Settle(ImmutableArray<Effect> outstanding, List<CoreOutput> outputs)
    {
        if (outstanding.IsEmpty && _running.IsEmpty)
        {
            return;
        }

        foreach (var running in _running)
        {
            if (!outstanding.Any(effect => effect.Id == running))
            {
                outputs.Add(new CoreOutput.CancelEffect(running));
            }
        }

        foreach (var effect in outstanding)
        {
            if (!_running.Contains(effect.Id))
            {
                outputs.Add(new CoreOutput.StartEffect(effect));
            }
        }

        _running = [.. outstanding.Select(effect => effect.Id)];
    }
}
