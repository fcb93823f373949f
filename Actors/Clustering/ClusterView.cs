using Akka.Actor;
using Akka.Cluster;
using Akka.Cluster.Sharding;
using ReplicationEngine.Actors.Hosting;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>Shows the cluster of a running actor system.</summary>
internal sealed class ClusterView(IEnumerable<IEntityRegion> regions, EngineServices services) : IClusterView
{
    private readonly TaskCompletionSource _removed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private Cluster? _cluster;
    private ClusterFormation? _formation;

    /// <inheritdoc/>
    public IReadOnlyList<ClusterMember> Members
    {
        get
        {
            if (Volatile.Read(ref _cluster) is not { } cluster)
            {
                return [];
            }

            var state = cluster.State;
            return
            [
                .. state.Members.Select(member => new ClusterMember(
                    ClusterConfiguration.NameOf(member), ClusterConfiguration.TextOf(member.Address),
                    StatusOf(member.Status),
                    ClusterConfiguration.RolesOf(member), !state.Unreachable.Contains(member),
                    member.Address.Equals(state.Leader), member.UniqueAddress.Equals(cluster.SelfUniqueAddress)))
                .OrderBy(member => member.Name, StringComparer.Ordinal),
            ];
        }
    }

    /// <inheritdoc/>
    public string? Waiting => Volatile.Read(ref _formation)?.Waiting;

    /// <inheritdoc/>
    public Task Removed => _removed.Task;

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ShardPlace>> ShardsAsync(
        TimeSpan within, CancellationToken cancellationToken)
    {
        if (Volatile.Read(ref _cluster) is not { } cluster)
        {
            return [];
        }

        var names = cluster.State.Members.ToDictionary(member => member.Address, ClusterConfiguration.NameOf);
        var places = new List<ShardPlace>();
        foreach (var region in regions)
        {
            var stats = await StatsAsync(region, within, cancellationToken);
            places.AddRange(stats.Regions.SelectMany(node => node.Value.Stats.Select(shard => new ShardPlace(
                region.Type, shard.Key, NameOf(names, node.Key), shard.Value))));
        }

        return [.. places.OrderBy(place => place.Type, StringComparer.Ordinal)
            .ThenBy(place => place.Shard.Length).ThenBy(place => place.Shard, StringComparer.Ordinal)];
    }

    /// <summary>Begins to show a system's cluster.</summary>
    public void Open(Cluster cluster, ClusterFormation? formation)
    {
        Volatile.Write(ref _formation, formation);
        Volatile.Write(ref _cluster, cluster);
    }

    /// <summary>Records that the cluster has removed this node.</summary>
    public void Remove()
    {
        if (_removed.TrySetResult() && services.Options.Node is { } node)
        {
            services.Logger.NodeRemoved(node.Name);
        }
    }

    /// <summary>Ends the view, because the engine stops.</summary>
    public void Close()
    {
        Volatile.Write(ref _cluster, null);
        Volatile.Write(ref _formation, null);
    }

    private static async Task<ClusterShardingStats> StatsAsync(
        IEntityRegion region, TimeSpan within, CancellationToken cancellationToken)
    {
        try
        {
            return await region.StatsAsync(within, cancellationToken);
        }
        catch (AskTimeoutException exception)
        {
            throw new TimeoutException(
                $"Not all nodes reported their entities of type '{region.Type}' within {within}.", exception);
        }
    }

    private static string NameOf(Dictionary<Address, string> names, Address address) =>
        names.GetValueOrDefault(address, address.ToString());

    private static ClusterMemberStatus StatusOf(MemberStatus status) => status switch
    {
        MemberStatus.Joining or MemberStatus.WeaklyUp => ClusterMemberStatus.Joining,
        MemberStatus.Up => ClusterMemberStatus.Up,
        MemberStatus.Leaving or MemberStatus.Exiting => ClusterMemberStatus.Leaving,
        MemberStatus.Down or MemberStatus.Removed => ClusterMemberStatus.Down,
        _ => throw new ArgumentOutOfRangeException(nameof(status), status, "Not a status."),
    };
}
