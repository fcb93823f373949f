using Akka.Actor;
using Akka.Cluster;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// Makes a node a member of its cluster: founds the cluster if nobody has the journal reserved, and joins it otherwise.
/// Both are tried in turn until one succeeds, because the nodes that had the journal reserved may end meanwhile.
/// </summary>
internal sealed class ClusterFormation(
    ActorSystem system, ClusterNode node, ISharedStore store, EngineServices services)
{
    private static readonly TimeSpan s_firstTurn = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_longestTurn = TimeSpan.FromSeconds(10);

    private string? _waitsFor;

    /// <summary>Why the node is not a member yet, as a sentence; null once it is.</summary>
    public string? Waiting => Volatile.Read(ref _waitsFor);

    /// <summary>Returns when the node is a member.</summary>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var cluster = Cluster.Get(system);
        var up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        cluster.RegisterOnMemberUp(up.SetResult);
        Address[] others =
        [
            .. node.Join.Where(address => address != node.Address)
                .Select(address => cluster.SelfAddress.WithHost(address.Host).WithPort(address.Port)),
        ];
        var founded = false;
        Tell("This node has not joined its cluster yet.");
        for (var turn = s_firstTurn; !up.Task.IsCompleted; turn = turn * 2 < s_longestTurn ? turn * 2 : s_longestTurn)
        {
            founded = founded || await TryFoundAsync(turn > s_firstTurn || others.Length == 0, cancellationToken);
            if (founded)
            {
                cluster.Join(cluster.SelfAddress);
            }
            else if (others.Length > 0)
            {
                cluster.JoinSeedNodes(others);
            }

            await up.Task.WaitAsync(turn, TimeProvider.System, cancellationToken)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            cancellationToken.ThrowIfCancellationRequested();
        }

        if (!founded)
        {
            store.Share();
        }

        Volatile.Write(ref _waitsFor, null);
        services.Logger.NodeJoined(node.Name, node.Address, founded);
    }

    private async Task<bool> TryFoundAsync(bool tells, CancellationToken cancellationToken)
    {
        try
        {
            if (await store.TryFoundAsync(cancellationToken))
            {
                return true;
            }

            if (tells)
            {
                var others = node.Join.Where(address => address != node.Address).ToList();
                Tell(others.Count > 0
                    ? $"No node of the cluster replies at {string.Join(", ", others)}, although the journal is in use."
                    : "Other nodes use the journal, and this node is not told which ones to join; give it the "
                        + "address of one.");
            }
        }
        catch (JournalUnavailableException exception)
        {
            Tell(exception.Message);
        }

        return false;
    }

    private void Tell(string why)
    {
        if (Volatile.Read(ref _waitsFor) != why)
        {
            Volatile.Write(ref _waitsFor, why);
            services.Logger.NodeWaits(node.Name, why);
        }
    }
}
