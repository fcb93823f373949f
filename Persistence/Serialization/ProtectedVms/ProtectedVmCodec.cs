using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// The codec of protected VMs. Events and commands are MessagePack contracts under explicit names (see
/// <see cref="ProtectedVmForms"/>). Snapshots are JSON (see <see cref="SnapshotForm"/>), because they are few, are
/// never searched, and are discarded when their form changes. Stateless and thread-safe.
/// </summary>
public sealed class ProtectedVmCodec : IEntityCodec<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    /// <summary>The forms of the events.</summary>
    internal static readonly StoredForms<ProtectedVmEvent> Events = new("event", ProtectedVmForms.Events);

    /// <summary>The forms of the commands.</summary>
    internal static readonly StoredForms<ProtectedVmCommand> Commands = new("command", ProtectedVmForms.Commands);

    /// <summary>The stored names of all events, such as <c>protected-vm.failover-started.v1</c>, sorted.</summary>
    public static IReadOnlyList<string> EventNames { get; } =
        [.. ProtectedVmForms.Events.Select(form => form.Name).Order(StringComparer.Ordinal)];

    /// <inheritdoc/>
    public int SnapshotVersion => SnapshotForm.Version;

    /// <inheritdoc/>
    public EncodedEvent Encode(ProtectedVmEvent @event)
    {
        var (name, payload) = Events.Encode(@event);
        return new EncodedEvent(name, payload);
    }

    /// <inheritdoc/>
    public ProtectedVmEvent Decode(string name, ReadOnlyMemory<byte> payload) => Events.Decode(name, payload);

    /// <inheritdoc/>
    public EncodedCommand EncodeCommand(ProtectedVmCommand command)
    {
        var (name, payload) = Commands.Encode(command);
        return new EncodedCommand(name, payload);
    }

    /// <inheritdoc/>
    public ProtectedVmCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload) =>
        Commands.Decode(name, payload);

    /// <inheritdoc/>
    public byte[] EncodeState(ProtectedVmState state) => SnapshotForm.Write(state);

    /// <inheritdoc/>
    public ProtectedVmState DecodeState(ReadOnlyMemory<byte> payload) => SnapshotForm.Read(payload.Span);

    /// <summary>
    /// Returns the event's data as one line of JSON, for logs and users: camelCase members, times in RFC 3339,
    /// durations in seconds (<c>1.500s</c>), absent values left out.
    /// </summary>
    public static string ToJson(ProtectedVmEvent @event) => Events.ToJson(@event);

    /// <summary>
    /// Returns a stored event's data as one line of JSON, without converting it to the domain's form first.
    /// </summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    public static string ToJson(string name, ReadOnlyMemory<byte> payload) => Events.ToJson(name, payload);

    /// <summary>
    /// Returns the command's data as one line of JSON, in the format of <see cref="ToJson(ProtectedVmEvent)"/>.
    /// </summary>
    public static string CommandToJson(ProtectedVmCommand command) => Commands.ToJson(command);

    /// <summary>Returns a stored command's data as one line of JSON.</summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    public static string CommandToJson(string name, ReadOnlyMemory<byte> payload) => Commands.ToJson(name, payload);
}
