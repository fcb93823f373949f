using System.Diagnostics;
using Akka.Actor.Setup;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>Converts one entity type's commands and states for messages between nodes. Stateless.</summary>
internal interface IEntityWire
{
    /// <summary>The entity type.</summary>
    string Type { get; }

    /// <summary>
    /// Returns the parts of a command's message; null when the message is not a command of this type.
    /// </summary>
    CommandParts? Take(object message);

    /// <summary>Returns the message of a command, or one that says why the command cannot be read.</summary>
    object Make(CommandParts parts);

    /// <summary>Returns whether a reply is a view of this type.</summary>
    bool IsView(object reply);

    /// <summary>Returns the parts of a view of this type.</summary>
    ViewParts TakeView(object reply);

    /// <summary>Returns a view, or a reply that says why it cannot be read.</summary>
    object MakeView(ViewParts parts);
}

/// <summary>The parts of a command's message.</summary>
internal sealed record CommandParts(
    CommandId Id, string Actor, string? Digest, EncodedCommand Command, ActivityContext Asked);

/// <summary>The parts of a view.</summary>
internal sealed record ViewParts(int Version, long Sequence, byte[] State);

/// <summary>Passes the entity types' conversions to <see cref="EntityMessageSerializer"/>.</summary>
internal sealed class EntityWireSetup(IEnumerable<IEntityWire> wires) : Setup
{
    public IReadOnlyDictionary<string, IEntityWire> Wires { get; } =
        wires.ToDictionary(wire => wire.Type, StringComparer.Ordinal);
}

/// <summary>Converts an entity type's messages by its codec.</summary>
internal sealed class EntityWire<TState, TCommand, TEvent>(
    string type, IEntityCodec<TState, TCommand, TEvent> codec) : IEntityWire
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <inheritdoc/>
    public string Type => type;

    /// <inheritdoc/>
    public CommandParts? Take(object message) => message is TellCommand<TCommand> { Envelope: var envelope } told
        ? new CommandParts(
            envelope.Id, envelope.Actor, envelope.Digest, codec.EncodeCommand(envelope.Command), told.Asked)
        : null;

    /// <inheritdoc/>
    public object Make(CommandParts parts)
    {
        try
        {
            var command = codec.DecodeCommand(parts.Command.Name, parts.Command.Payload);
            return new TellCommand<TCommand>(
                new CommandEnvelope<TCommand>(parts.Id, parts.Actor, command, parts.Digest), parts.Asked);
        }
        catch (UnreadableEventException exception)
        {
            return new UnreadableCommand($"{parts.Command.Name}: {exception.Message}");
        }
    }

    /// <inheritdoc/>
    public bool IsView(object reply) => reply is EntityView<TState>;

    /// <inheritdoc/>
    public ViewParts TakeView(object reply)
    {
        var view = (EntityView<TState>)reply;
        return new ViewParts(codec.SnapshotVersion, view.Sequence, codec.EncodeState(view.State));
    }

    /// <inheritdoc/>
    public object MakeView(ViewParts parts)
    {
        var why = $"it has form {parts.Version}, and this node reads form {codec.SnapshotVersion}";
        if (parts.Version == codec.SnapshotVersion)
        {
            try
            {
                return new EntityView<TState>(codec.DecodeState(parts.State), parts.Sequence);
            }
            catch (UnreadableEventException exception)
            {
                why = exception.Message;
            }
        }

        return new CommandReply.Unavailable(
            UnavailableReason.EntityFailed,
            $"The state from another node cannot be read: {why.TrimEnd('.')}; run the same version on all nodes.");
    }
}
