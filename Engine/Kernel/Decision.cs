using System.Collections.Immutable;

namespace ReplicationEngine.Engine.Kernel;

/// <summary>
/// The result of deciding a command: events to persist, or a refusal. An empty list of events means that the command
/// changes nothing.
/// </summary>
public abstract record Decision<TEvent>
{
    private Decision()
    {
    }

    /// <summary>The command is accepted. The events describe its changes, in order.</summary>
    public sealed record Accepted(ImmutableArray<TEvent> Events) : Decision<TEvent>;

    /// <summary>The command is refused; nothing changes.</summary>
    public sealed record Refused(Refusal Refusal) : Decision<TEvent>;

    /// <summary>Accepts with the given events.</summary>
    public static Decision<TEvent> Accept(params ReadOnlySpan<TEvent> events) => new Accepted([.. events]);

    /// <summary>Refuses with the given reason.</summary>
    public static Decision<TEvent> Refuse(Refusal refusal) => new Refused(refusal);
}
