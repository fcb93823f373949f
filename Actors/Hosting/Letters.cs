using ReplicationEngine.Actors.Entities;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>What lies in an entity's mailbox.</summary>
internal interface ILetter
{
    /// <summary>Answers whoever waits that it will not be handled.</summary>
    void Decline(CommandReply.Unavailable reply);
}

/// <summary>
/// A command and the one who waits for its answer, who goes on elsewhere than on the entity's thread.
/// </summary>
internal sealed class CommandLetter<TCommand>(CommandEnvelope<TCommand> envelope)
    : TaskCompletionSource<CommandReply>(TaskCreationOptions.RunContinuationsAsynchronously), ILetter
    where TCommand : class
{
    public CommandEnvelope<TCommand> Envelope => envelope;

    public void Decline(CommandReply.Unavailable reply) => TrySetResult(reply);
}

/// <summary>A question for the state.</summary>
internal sealed class ViewLetter<TState>()
    : TaskCompletionSource<EntityView<TState>>(TaskCreationOptions.RunContinuationsAsynchronously), ILetter
    where TState : class
{
    public void Decline(CommandReply.Unavailable reply) =>
        TrySetException(new EntityUnavailableException(reply, reply.Message));
}

/// <summary>A durable timer is due, or the entity shall come to memory because it owes effects.</summary>
internal sealed class WakeLetter : ILetter
{
    public static WakeLetter Instance { get; } = new();

    public void Decline(CommandReply.Unavailable reply)
    {
        // Nobody waits: the wake mark is durable and rings again when the region starts.
    }
}

/// <summary>Nobody has used the entity for a while.</summary>
internal sealed class IdleLetter : ILetter
{
    public static IdleLetter Instance { get; } = new();

    public void Decline(CommandReply.Unavailable reply)
    {
        // Nobody waits: the entity is leaving memory already.
    }
}

/// <summary>The entity's quarantine shall end; answered when its loading has begun.</summary>
internal sealed class LiftLetter()
    : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), ILetter
{
    public void Decline(CommandReply.Unavailable reply) =>
        TrySetException(new EntityUnavailableException(reply, reply.Message));
}

/// <summary>The region stops: the last letter an entity handles.</summary>
internal sealed class StopLetter()
    : TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously), ILetter
{
    public void Decline(CommandReply.Unavailable reply) => TrySetResult();
}
