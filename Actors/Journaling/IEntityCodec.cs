namespace ReplicationEngine.Actors.Journaling;

/// <summary>An event as it is stored: its explicit, versioned name and its payload.</summary>
public readonly record struct EncodedEvent(string Name, byte[] Payload);

/// <summary>
/// Turns an entity's events and states into stored bytes and back. One per entity type; stateless and safe to share.
/// </summary>
public interface IEntityCodec<TState, TEvent>
    where TState : class
    where TEvent : class
{
    /// <summary>The version of the snapshot form; a stored snapshot of another version is not read.</summary>
    int SnapshotVersion { get; }

    /// <summary>
    /// Encodes an event; the name is explicit (<c>protected-vm.failover-started.v1</c>), never a type name.
    /// </summary>
    EncodedEvent Encode(TEvent @event);

    /// <summary>Decodes an event of any version ever released, upcast to today's form.</summary>
    /// <exception cref="UnreadableEventException">The name is not known or the payload is damaged.</exception>
    TEvent Decode(string name, ReadOnlySpan<byte> payload);

    /// <summary>Encodes a state in the form of <see cref="SnapshotVersion"/>.</summary>
    byte[] EncodeState(TState state);

    /// <summary>Decodes a state of <see cref="SnapshotVersion"/>.</summary>
    /// <exception cref="UnreadableEventException">The payload is damaged.</exception>
    TState DecodeState(ReadOnlySpan<byte> payload);
}

/// <summary>A stored event or snapshot that cannot be read: corruption, or written by a newer version.</summary>
public sealed class UnreadableEventException(string message, Exception? inner = null) : Exception(message, inner);
