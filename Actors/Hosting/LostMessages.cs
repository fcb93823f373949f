using Akka.Actor;
using Akka.Event;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Notifies the senders of messages left behind by an entity's actor that ended, so that they send them again instead
/// of waiting for a reply that cannot come. A wake that was left behind is sent again.
/// </summary>
internal sealed class LostMessages : UntypedActor
{
    protected override void PreStart() => Context.System.EventStream.Subscribe(Self, typeof(DeadLetter));

    protected override void OnReceive(object message)
    {
        if (message is DeadLetter { Sender: { } sender } dead && IsLetter(dead.Message) && !sender.IsNobody())
        {
            sender.Tell(NotDelivered.Instance);
        }
        else if (message is DeadLetter { Message: Wake { Lost: { } lost } })
        {
            lost();
        }
    }

    private static bool IsLetter(object message) =>
        message is IEntityMessage or ToEntity { Message: IEntityMessage };
}
