using System.Diagnostics;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>A message to an entity whose sender waits for a reply.</summary>
internal interface IEntityMessage;

/// <summary>Sends a command. The reply is a <see cref="CommandReply"/>.</summary>
/// <param name="Envelope">The command.</param>
/// <param name="Asked">The activity of the sender; default without one.</param>
internal sealed record TellCommand<TCommand>(CommandEnvelope<TCommand> Envelope, ActivityContext Asked = default)
    : IEntityMessage
    where TCommand : class;

/// <summary>Requests the state. The reply is a view, or a command reply that explains why there is none.</summary>
internal sealed record ShowState : IEntityMessage
{
    public static ShowState Instance { get; } = new();
}

/// <summary>Requests the end of the entity's quarantine. The reply is <see cref="QuarantineLifted"/>.</summary>
internal sealed record LiftQuarantine : IEntityMessage
{
    public static LiftQuarantine Instance { get; } = new();
}

/// <summary>A command from another node that cannot be read here. The reply says so.</summary>
/// <param name="Why">The command's stored name and the reason.</param>
internal sealed record UnreadableCommand(string Why) : IEntityMessage;

/// <summary>The quarantine has ended, if there was one.</summary>
internal sealed record QuarantineLifted : IClusterMessage
{
    public static QuarantineLifted Instance { get; } = new();
}

/// <summary>The message reached no entity because its actor had just ended.</summary>
internal sealed record NotDelivered : IClusterMessage
{
    public static NotDelivered Instance { get; } = new();
}

/// <summary>Wakes an entity because a durable timer is due or effects may be outstanding.</summary>
internal sealed record Wake
{
    public static Wake Instance { get; } = new();

    /// <summary>Called when the addressed actor had ended; null when the sender does not need to know.</summary>
    public Action? Lost { get; init; }
}

/// <summary>The entity has not been used for a while.</summary>
internal sealed record IdleTimedOut
{
    public static IdleTimedOut Instance { get; } = new();
}

/// <summary>Stops an entity's actor. The last message that it handles.</summary>
internal sealed record StopEntity
{
    public static StopEntity Instance { get; } = new();
}

/// <summary>The result of a lookup in the journal's command index.</summary>
internal sealed record CommandLookedUp(CommandId CommandId, Journaling.CommandRecord? Record, string? Trouble);
