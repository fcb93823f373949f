using System.Diagnostics;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>A message to an entity whose sender waits for an answer.</summary>
internal interface IEntityMessage;

/// <summary>A command; answered by a <see cref="CommandReply"/>.</summary>
/// <param name="Envelope">The command.</param>
/// <param name="Asked">The activity of whoever asks; default without one.</param>
internal sealed record TellCommand<TCommand>(CommandEnvelope<TCommand> Envelope, ActivityContext Asked = default)
    : IEntityMessage
    where TCommand : class;

/// <summary>A question for the state; answered by a view, or by a reply that says why there is none.</summary>
internal sealed record ShowState : IEntityMessage
{
    public static ShowState Instance { get; } = new();
}

/// <summary>The entity's quarantine shall end; answered by <see cref="QuarantineLifted"/>.</summary>
internal sealed record LiftQuarantine : IEntityMessage
{
    public static LiftQuarantine Instance { get; } = new();
}

/// <summary>It has ended, if there was one.</summary>
internal sealed record QuarantineLifted
{
    public static QuarantineLifted Instance { get; } = new();
}

/// <summary>The letter found no entity to take it: its actor had just ended.</summary>
internal sealed record NotDelivered
{
    public static NotDelivered Instance { get; } = new();
}

/// <summary>A durable timer is due, or the entity shall come to memory because it may owe effects.</summary>
internal sealed record Wake
{
    public static Wake Instance { get; } = new();

    /// <summary>Called when the actor that it was for had ended; null where that matters to nobody.</summary>
    public Action? Lost { get; init; }
}

/// <summary>Nobody has used the entity for a while.</summary>
internal sealed record IdleTimedOut
{
    public static IdleTimedOut Instance { get; } = new();
}

/// <summary>The last message an entity's actor handles.</summary>
internal sealed record StopEntity
{
    public static StopEntity Instance { get; } = new();
}

/// <summary>What the journal's index answered.</summary>
internal sealed record CommandLookedUp(CommandId CommandId, Journaling.CommandRecord? Record, string? Trouble);
