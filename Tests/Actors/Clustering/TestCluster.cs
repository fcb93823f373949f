using System.Net;
using System.Net.Sockets;
using Akka.Actor;
using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.Actors.Hosting;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Clustering;

/// <summary>The nodes of a cluster in this process, on addresses of loopback, over one database.</summary>
internal sealed class TestCluster(string connection, int size, string pause = TestCluster.LongPause) : IAsyncDisposable
{
    /// <summary>The pause of heartbeats after which a crashed node is given up.</summary>
    public const string ShortPause = "8s";

    /// <summary>A pause that no busy machine makes.</summary>
    public const string LongPause = "120s";

    private readonly NodeAddress[] _addresses =
        [.. Enumerable.Range(1, size).Select(number => Free($"127.0.0.{number}"))];

    private readonly TestEngine?[] _nodes = new TestEngine?[size];
    private readonly ActorSystem?[] _systems = new ActorSystem?[size];

    public TestEngine this[int node] => _nodes[node]!;

    /// <summary>The effects that run on the nodes started from now on.</summary>
    public IEffectHandler<CounterCommand>? Effects { get; init; }

    /// <summary>The certificates of a node started from now on; null for none.</summary>
    public Func<int, ClusterTls?> Tls { get; set; } = _ => null;

    public static string NameOf(int node) => $"node-{node}";

    public async Task StartAllAsync()
    {
        await Task.WhenAll(Enumerable.Range(0, size).Select(node => StartAsync(node)));
        await Eventually.HoldsAsync(() => _nodes.All(node => IsComplete(node!, size)));
    }

    public async Task StartAsync(int node, IReadOnlyList<string>? roles = null) =>
        _nodes[node] = await TestEngine.StartAsync(
            effects: Effects,
            configure: options =>
            {
                options.AkkaConfiguration = $"akka.cluster.failure-detector.acceptable-heartbeat-pause = {pause}";
                options.Node = new ClusterNode
                {
                    Name = NameOf(node),
                    Address = _addresses[node],
                    Join = _addresses,
                    Tls = Tls(node),
                    Roles = roles ?? [ClusterNode.EntitiesRole, ClusterNode.StoreRole],
                };
            },
            build: builder =>
            {
                builder.UsePostgreSql(connection);
                builder.UseActorSystem(setup => _systems[node] = ActorSystem.Create("replication-engine", setup));
                builder.Services.AddSingleton<IProjection>(new Totals());
            });

    /// <summary>Stops a node as its service does: it hands over and leaves.</summary>
    public async Task StopAsync(int node)
    {
        await _nodes[node]!.DisposeAsync();
        _nodes[node] = null;
    }

    /// <summary>Ends a node's actor system as a crash does: it tells nobody.</summary>
    public async Task CrashAsync(int node)
    {
        ((ExtendedActorSystem)_systems[node]!).Abort();
        await _systems[node]!.WhenTerminated;
    }

    /// <summary>Sends a command to a node.</summary>
    public ValueTask<CommandReply> AddAsync(int node, string counter, int command, long amount) =>
        this[node][counter].AskAsync(new CounterCommand.Add(amount), TestEngine.Command(command), "me", default);

    public static bool IsComplete(TestEngine node, int size) =>
        node.Engine.Cluster.Members is { } members && members.Count == size
        && members.All(member => member is { Status: ClusterMemberStatus.Up, IsReachable: true });

    public async ValueTask DisposeAsync()
    {
        foreach (var node in _nodes)
        {
            if (node is not null)
            {
                await node.DisposeAsync();
            }
        }
    }

    /// <summary>Returns a free address of a host of loopback.</summary>
    public static NodeAddress Free(string host)
    {
        using var listener = new TcpListener(IPAddress.Parse(host), 0);
        listener.Start();
        return new NodeAddress(host, ((IPEndPoint)listener.LocalEndpoint).Port);
    }
}
