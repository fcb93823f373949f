using Akka.Actor;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>An effect has ended, however it ended.</summary>
internal sealed record EffectEnded(EffectId Effect);

/// <summary>What actors of effects of all types share.</summary>
internal static class EffectActor
{
    /// <summary>The effect is outstanding no longer.</summary>
    public sealed record Cancel
    {
        public static Cancel Instance { get; } = new();
    }
}

/// <summary>
/// Carries out one effect of its parent, next to it: as long as this actor lives, the effect is outstanding. It ends
/// when the effect has ended, and ends the effect when its parent ends.
/// </summary>
internal sealed class EffectActor<TCommand> : UntypedActor
    where TCommand : class
{
    private readonly EffectRun<TCommand> _run;
    private readonly Effect _effect;

    public EffectActor(EffectRuns<TCommand> runs, PersistenceId id, Effect effect)
    {
        _effect = effect;
        _run = runs.Create(id, effect);
    }

    protected override void PreStart()
    {
        var self = Self;
        _run.Start(() => self.Tell(new EffectEnded(_effect.Id)));
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case EffectActor.Cancel:
                _run.Cancel();
                break;
            case EffectEnded ended:
                Context.Parent.Tell(ended);
                Context.Stop(Self);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    protected override void PostStop() => _run.Abandon();
}
