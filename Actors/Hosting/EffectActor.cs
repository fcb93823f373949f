using Akka.Actor;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>An effect has ended, whatever the outcome.</summary>
internal sealed record EffectEnded(EffectId Effect);

/// <summary>The messages shared by effect actors of all types.</summary>
internal static class EffectActor
{
    /// <summary>The effect is no longer outstanding.</summary>
    public sealed record Cancel
    {
        public static Cancel Instance { get; } = new();
    }
}

/// <summary>
/// Runs one effect of its parent. The actor lives as long as the run: it stops when the effect has ended, and it ends
/// the effect when its parent stops.
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
