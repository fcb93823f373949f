namespace ReplicationEngine.Actors.Journaling;

/// <summary>A stored event: its explicit, versioned name and its payload.</summary>
public readonly record struct EncodedEvent(string Name, byte[] Payload);

/// <summary>A stored command: its explicit, versioned name and its payload.</summary>
public readonly record struct EncodedCommand(string Name, byte[] Payload);

/// <summary>
/// Converts an entity's events, commands and states to stored bytes and back. One codec per entity type, stateless and
/// thread-safe.
/// </summary>
public interface IEntityCodec<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    /// <summary>The version of the snapshot format. A stored snapshot with another version is not read.</summary>
    int SnapshotVersion { get; }

    /// <summary>
    /// Encodes an event. The name is explicit (<c>protected-vm.failover-started.v1</c>), never a type name.
    /// </summary>
    EncodedEvent Encode(TEvent @event);

    /// <summary>Decodes an event of any released version, upcast to its current form.</summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    TEvent Decode(string name, ReadOnlyMemory<byte> payload);

    /// <summary>
    /// Encodes a command. The name is explicit (<c>protected-vm.command.commit.v1</c>), never a type name.
    /// </summary>
    EncodedCommand EncodeCommand(TCommand command);

    /// <summary>
    /// Decodes a command of any released version. The result equals the encoded command, so that a decision can be
    /// repeated.
    /// </summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    TCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload);

    /// <summary>Encodes a state in the format of <see cref="SnapshotVersion"/>.</summary>
    byte[] EncodeState(TState state);

    /// <summary>Decodes a state in the format of <see cref="SnapshotVersion"/>.</summary>
    /// <exception cref="UnreadableEventException">The payload is damaged.</exception>
    TState DecodeState(ReadOnlyMemory<byte> payload);
}

/// <summary>
/// Thrown for a stored event, command or snapshot that cannot be read: it is damaged, or a newer version wrote it.
/// </summary>
public sealed class UnreadableEventException(string message, Exception? inner = null) : Exception(message, inner);
