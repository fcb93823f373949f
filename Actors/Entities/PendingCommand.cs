using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>The command that a core works on, with what was decided about it.</summary>
/// <param name="envelope">The command.</param>
/// <param name="timer">The timer that became it; null when somebody waits for the reply.</param>
internal sealed class PendingCommand<TState, TCommand>(CommandEnvelope<TCommand> envelope, DurableTimer? timer)
    where TState : class
    where TCommand : class
{
    /// <summary>The command.</summary>
    public CommandEnvelope<TCommand> Envelope => envelope;

    /// <summary>The timer that became the command; null when somebody waits for the reply.</summary>
    public DurableTimer? Timer => timer;

    /// <summary>Whether the journal was asked for the command.</summary>
    public bool LookedUp { get; set; }

    /// <summary>The state after the command's events.</summary>
    public TState? State { get; set; }

    /// <summary>The head of the stream after them.</summary>
    public StreamHead Head { get; set; }

    /// <summary>The alarms of the timers in that state.</summary>
    public ImmutableArray<ArmedTimer> Timers { get; set; }

    /// <summary>The effects outstanding in that state.</summary>
    public ImmutableArray<Effect> Effects { get; set; }

    /// <summary>When the events were decided (UTC).</summary>
    public DateTimeOffset DecidedAt { get; set; }
}
