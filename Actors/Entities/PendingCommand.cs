using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>The command that a core is processing, with the decision so far.</summary>
/// <param name="envelope">The command.</param>
/// <param name="timer">The timer that triggered the command; null when a sender waits for the reply.</param>
internal sealed class PendingCommand<TState, TCommand>(CommandEnvelope<TCommand> envelope, DurableTimer? timer)
    where TState : class
    where TCommand : class
{
    /// <summary>The command with its id and sender.</summary>
    public CommandEnvelope<TCommand> Envelope => envelope;

    /// <summary>The timer that triggered the command; null when a sender waits for the reply.</summary>
    public DurableTimer? Timer => timer;

    /// <summary>Whether the command was looked up in the journal.</summary>
    public bool LookedUp { get; set; }

    /// <summary>The state after the command's events.</summary>
    public TState? State { get; set; }

    /// <summary>The head of the stream after the command's events.</summary>
    public StreamHead Head { get; set; }

    /// <summary>The alarms of the timers in the state after the command.</summary>
    public ImmutableArray<ArmedTimer> Timers { get; set; }

    /// <summary>The effects outstanding in the state after the command.</summary>
    public ImmutableArray<Effect> Effects { get; set; }

    /// <summary>When the events were decided (UTC).</summary>
    public DateTimeOffset DecidedAt { get; set; }
}
