using Akka.Actor;
using Akka.Cluster;
using ReplicationEngine.Actors.Hosting;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>Logs once what happens to each of the other nodes of the cluster.</summary>
internal sealed class MembershipLog(EngineServices services) : UntypedActor
{
    private readonly Cluster _cluster = Cluster.Get(Context.System);

    protected override void PreStart() => _cluster.Subscribe(
        Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents,
        typeof(ClusterEvent.IMemberEvent), typeof(ClusterEvent.IReachabilityEvent));

    protected override void PostStop() => _cluster.Unsubscribe(Self);

    protected override void OnReceive(object message)
    {
        var logger = services.Logger;
        switch (message)
        {
            case ClusterEvent.IMemberEvent { Member.UniqueAddress: var self } when self == _cluster.SelfUniqueAddress:
                break;
            case ClusterEvent.MemberUp { Member: var up }:
                logger.MemberUp(NameOf(up), AddressOf(up));
                break;
            case ClusterEvent.UnreachableMember { Member: var lost }:
                logger.MemberUnreachable(NameOf(lost), AddressOf(lost));
                break;
            case ClusterEvent.ReachableMember { Member: var found }:
                logger.MemberReachable(NameOf(found), AddressOf(found));
                break;
            case ClusterEvent.MemberRemoved { PreviousStatus: MemberStatus.Down, Member: var removed }:
                logger.MemberRemoved(NameOf(removed), AddressOf(removed));
                break;
            case ClusterEvent.MemberRemoved { Member: var left }:
                logger.MemberLeft(NameOf(left), AddressOf(left));
                break;
            case ClusterEvent.IMemberEvent:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private static string NameOf(Member member) => ClusterConfiguration.NameOf(member);

    private static string AddressOf(Member member) => ClusterConfiguration.TextOf(member.Address);
}
