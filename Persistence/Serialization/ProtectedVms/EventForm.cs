using Google.Protobuf;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>How one event is stored: its name and the two conversions between it and its message.</summary>
internal sealed record EventForm(
    string Name, Type Event, Func<ProtectedVmEvent, IMessage> ToMessage, MessageParser Parser,
    Func<IMessage, ProtectedVmEvent> FromMessage)
{
    /// <summary>The form of an event in version 1; the name is <c>protected-vm.{shortName}.v1</c>.</summary>
    public static EventForm V1<TEvent, TMessage>(
        string shortName, Func<TEvent, TMessage> toMessage, Func<TMessage, TEvent> fromMessage)
        where TEvent : ProtectedVmEvent
        where TMessage : IMessage<TMessage>, new() => new(
        $"protected-vm.{shortName}.v1",
        typeof(TEvent),
        @event => toMessage((TEvent)@event),
        new MessageParser<TMessage>(() => new TMessage()),
        message => fromMessage((TMessage)message));
}
