using System.Collections.Immutable;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>The effects that a core has had started and not cancelled. Used by one core.</summary>
internal sealed class RunningEffects
{
    private ImmutableArray<EffectId> _running = [];

    /// <summary>Whether none runs.</summary>
    public bool IsEmpty => _running.IsEmpty;

    /// <summary>Asks the host to cancel what runs and is owed no longer, and to start what is owed and does not
    /// run.</summary>
    /// <param name="owed">The effects that are owed now.</param>
    /// <param name="outputs">Takes what the host is asked.</param>
    public void Settle(ImmutableArray<Effect> owed, List<CoreOutput> outputs)
    {
        if (owed.IsEmpty && _running.IsEmpty)
        {
            return;
        }

        foreach (var running in _running)
        {
            if (!owed.Any(effect => effect.Id == running))
            {
                outputs.Add(new CoreOutput.CancelEffect(running));
            }
        }

        foreach (var effect in owed)
        {
            if (!_running.Contains(effect.Id))
            {
                outputs.Add(new CoreOutput.StartEffect(effect));
            }
        }

        _running = [.. owed.Select(effect => effect.Id)];
    }
}
