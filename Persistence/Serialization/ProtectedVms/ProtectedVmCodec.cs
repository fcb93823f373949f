using System.Collections.Frozen;
using Google.Protobuf;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>
/// The stored form of a protected VM. Events are protobuf messages of Contracts/v1 under explicit names; snapshots are
/// JSON (see <see cref="SnapshotForm"/>), since they are few, are never searched, and are thrown away when their form
/// changes. Stateless; safe to share.
/// </summary>
public sealed class ProtectedVmCodec : IEntityCodec<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>
{
    private static readonly FrozenDictionary<Type, EventForm> ByType =
        EventForms.All.ToFrozenDictionary(form => form.Event);

    private static readonly FrozenDictionary<string, EventForm> ByName =
        EventForms.All.ToFrozenDictionary(form => form.Name, StringComparer.Ordinal);

    private static readonly JsonFormatter Formatter =
        new(JsonFormatter.Settings.Default.WithFormatDefaultValues(true));

    /// <inheritdoc/>
    public int SnapshotVersion => SnapshotForm.Version;

    /// <inheritdoc/>
    public EncodedEvent Encode(ProtectedVmEvent @event)
    {
        var form = ByType[@event.GetType()];
        return new EncodedEvent(form.Name, form.ToMessage(@event).ToByteArray());
    }

    /// <inheritdoc/>
    public ProtectedVmEvent Decode(string name, ReadOnlyMemory<byte> payload)
    {
        var form = FormOf(name);
        try
        {
            return form.FromMessage(form.Parser.ParseFrom(payload.Span));
        }
        catch (Exception exception) when (exception is InvalidProtocolBufferException or FormatException
            or InvalidOperationException or ArgumentException or OverflowException)
        {
            throw new UnreadableEventException($"The payload of a stored event '{name}' is damaged.", exception);
        }
    }

    /// <inheritdoc/>
    public EncodedCommand EncodeCommand(ProtectedVmCommand command) =>
        throw new NotSupportedException($"Commands have no stored form yet: {command}");

    /// <inheritdoc/>
    public ProtectedVmCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload) =>
        throw new UnreadableEventException($"Stored command '{name}' is not known to this version of the engine.");

    /// <inheritdoc/>
    public byte[] EncodeState(ProtectedVmState state) => SnapshotForm.Write(state);

    /// <inheritdoc/>
    public ProtectedVmState DecodeState(ReadOnlyMemory<byte> payload) => SnapshotForm.Read(payload.Span);

    /// <summary>The event's data as one line of JSON in protobuf's own mapping, for logs and people.</summary>
    public static string ToJson(ProtectedVmEvent @event) =>
        Formatter.Format(ByType[@event.GetType()].ToMessage(@event));

    /// <summary>A stored payload's data as one line of JSON, without folding it into the domain's form first.</summary>
    /// <exception cref="UnreadableEventException">The name is not known or the payload is damaged.</exception>
    public static string ToJson(string name, ReadOnlyMemory<byte> payload)
    {
        try
        {
            return Formatter.Format(FormOf(name).Parser.ParseFrom(payload.Span));
        }
        catch (InvalidProtocolBufferException exception)
        {
            throw new UnreadableEventException($"The payload of a stored event '{name}' is damaged.", exception);
        }
    }

    private static EventForm FormOf(string name) => ByName.TryGetValue(name, out var form)
        ? form
        : throw new UnreadableEventException(
            $"Stored event '{name}' is not known to this version of the engine; it was written by a newer one.");
}
