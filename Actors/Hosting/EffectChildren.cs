using Akka.Actor;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The child actors of one entity's actor, one for each outstanding effect. Used only by that actor, within its turn.
/// </summary>
/// <param name="runs">The factory of effect runs; null where effects are not run.</param>
/// <param name="id">The id of the entity.</param>
/// <param name="parent">The context of the entity's actor.</param>
internal sealed class EffectChildren<TCommand>(EffectRuns<TCommand>? runs, PersistenceId id, IActorContext parent)
    where TCommand : class
{
    private readonly Dictionary<EffectId, IActorRef> _children = new(0);
    private long _started;

    /// <summary>Whether an effect is running.</summary>
    public bool AnyRunning => _children.Count > 0;

    /// <summary>Starts an effect. An effect that is started again under the same id gets an actor of its own.</summary>
    public void Start(Effect effect)
    {
        if (runs is not null)
        {
            var name = $"{Uri.EscapeDataString(effect.Id.Value)}~{++_started}";
            _children[effect.Id] = parent.ActorOf(Props.Create<EffectActor<TCommand>>(runs, id, effect), name);
        }
    }

    /// <summary>Notifies an effect that it is no longer outstanding.</summary>
    public void Cancel(EffectId effect)
    {
        if (_children.TryGetValue(effect, out var child))
        {
            child.Tell(EffectActor.Cancel.Instance);
        }
    }

    /// <summary>Forgets an effect that has ended, unless it was started again since.</summary>
    /// <param name="ended">The effect.</param>
    /// <param name="child">The actor that ran the effect.</param>
    public void Forget(EffectEnded ended, IActorRef child)
    {
        if (_children.TryGetValue(ended.Effect, out var known) && known.Equals(child))
        {
            _children.Remove(ended.Effect);
        }
    }
}
