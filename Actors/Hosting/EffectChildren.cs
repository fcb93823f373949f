using Akka.Actor;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The child actors of one entity's actor, one for each effect that is outstanding. Used only by that actor, within its
/// turn.
/// </summary>
/// <param name="runs">Creates the runs of effects; null where effects are not carried out.</param>
/// <param name="id">The entity.</param>
/// <param name="parent">The entity's actor.</param>
internal sealed class EffectChildren<TCommand>(EffectRuns<TCommand>? runs, PersistenceId id, IActorContext parent)
    where TCommand : class
{
    private readonly Dictionary<EffectId, IActorRef> _children = new(0);
    private long _started;

    /// <summary>Starts an effect. One that is started again under its id gets an actor of its own.</summary>
    public void Start(Effect effect)
    {
        if (runs is not null)
        {
            var name = $"{Uri.EscapeDataString(effect.Id.Value)}~{++_started}";
            _children[effect.Id] = parent.ActorOf(Props.Create<EffectActor<TCommand>>(runs, id, effect), name);
        }
    }

    /// <summary>Tells an effect that it is outstanding no longer.</summary>
    public void Cancel(EffectId effect)
    {
        if (_children.TryGetValue(effect, out var child))
        {
            child.Tell(EffectActor.Cancel.Instance);
        }
    }

    /// <summary>Forgets an effect that has ended, unless it was started again since.</summary>
    /// <param name="ended">The effect.</param>
    /// <param name="child">Who says so.</param>
    public void Forget(EffectEnded ended, IActorRef child)
    {
        if (_children.TryGetValue(ended.Effect, out var known) && known.Equals(child))
        {
            _children.Remove(ended.Effect);
        }
    }
}
