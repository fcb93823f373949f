// One node of a cluster in a process of its own, for tests that kill, suspend and cut off nodes:
//
//   ReplicationEngine.ClusterNode CONNECTION NAME NUMBER COUNTERS CUTS ADDRESS JOIN…
//
// It sends commands to all counters, whichever node runs them. It writes `up` when it is a member, `gone ADDRESS` when
// another one no longer is, `ack COUNTER NUMBER` for each accepted command, and `removed` before it ends with code 3
// because the others removed it. It exchanges nothing with the addresses in the file CUTS. SIGTERM stops it as a
// service is stopped.
using System.Globalization;
using System.Runtime.InteropServices;
using Akka.Actor;
using Akka.Remote;
using Akka.Remote.Transport;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Tests.TestKit.Counters;

const int senders = 4;
const int removed = 3;
var (connection, name, cuts) = (args[0], args[1], args[4]);
var (first, counters) = (Number(args[2]) * 1_000_000, Number(args[3]));
NodeAddress[] addresses = [.. args[5..].Select(text => NodeAddress.Parse(text)!)];
ActorSystem? system = null;
var services = new ServiceCollection();
services.AddLogging(logging => logging.AddConsole(console => console.LogToStandardErrorThreshold = LogLevel.Trace));
var builder = services.AddReplicationEngine(options =>
    {
        // A busy machine may pause a healthy node for some seconds.
        options.AkkaConfiguration = """
            akka.remote.dot-netty.tcp.applied-adapters = [trttl]
            akka.cluster.failure-detector.acceptable-heartbeat-pause = 10s
            """;
        options.Node = new ClusterNode { Name = name, Address = addresses[0], Join = addresses };
    })
    .AddEntity<Counter, CounterState, CounterCommand, CounterEvent>(new CounterCodec())
    .AddProjection<Totals>()
    .UseActorSystem(setup => system = ActorSystem.Create("replication-engine", setup));
builder.UsePostgreSql(connection);
await using var provider = services.BuildServiceProvider();
var engine = provider.GetRequiredService<IReplicationEngine>();
var host = provider.GetServices<IHostedService>().Single();
using var ending = new CancellationTokenSource();
using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
{
    context.Cancel = true;
    ending.Cancel();
});
await host.StartAsync(default);
var working = Enumerable.Range(0, senders).Select(sender => SendAsync(first + (sender * 100_000)))
    .Append(CutAsync()).ToList();
await Task.WhenAny(engine.Cluster.Removed, Task.Delay(Timeout.InfiniteTimeSpan, TimeProvider.System, ending.Token));
if (engine.Cluster.Removed.IsCompleted)
{
    Console.WriteLine("removed");
    return removed;
}

await Task.WhenAll(working).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
await host.StopAsync(default);
return 0;

async Task SendAsync(int number)
{
    var set = engine.Entities<CounterState, CounterCommand, CounterEvent>();
    while (!ending.IsCancellationRequested)
    {
        number++;
        var counter = string.Create(CultureInfo.InvariantCulture, $"c{number % counters}");
        CommandReply reply;
        do
        {
            var id = new CommandId(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));
            reply = await set.Get(new VaultId("vault"), counter)
                .AskAsync(new CounterCommand.Add(1), id, name, default);
        }
        while (reply is not CommandReply.Accepted && !ending.IsCancellationRequested
            && !engine.Cluster.Removed.IsCompleted);

        if (reply is CommandReply.Accepted)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"ack {counter} {number}"));
        }

        // The tests watch what happens to commands, not how many there can be.
        await Task.Delay(TimeSpan.FromMilliseconds(50), TimeProvider.System, ending.Token);
    }
}

async Task CutAsync()
{
    var (known, up) = ("", false);
    var seen = new HashSet<string>(StringComparer.Ordinal);
    using var timer = new PeriodicTimer(TimeSpan.FromMilliseconds(50), TimeProvider.System);
    while (await timer.WaitForNextTickAsync(ending.Token))
    {
        if (!up && engine.Cluster is { Waiting: null })
        {
            up = true;
            Console.WriteLine("up");
        }

        var members = engine.Cluster.Members.Select(member => member.Address).ToHashSet(StringComparer.Ordinal);
        foreach (var gone in seen.Except(members))
        {
            Console.WriteLine($"gone {gone}");
        }

        seen = members;
        var wanted = File.Exists(cuts) ? await File.ReadAllTextAsync(cuts, ending.Token) : "";
        if (wanted == known)
        {
            continue;
        }

        known = wanted;
        var transport = ((RemoteActorRefProvider)((ExtendedActorSystem)system!).Provider).Transport;
        foreach (var address in addresses[1..])
        {
            var peer = Akka.Cluster.Cluster.Get(system).SelfAddress.WithHost(address.Host).WithPort(address.Port);
            ThrottleMode mode = known.Split('\n').Contains(address.ToString(), StringComparer.Ordinal)
                ? Blackhole.Instance : Unthrottled.Instance;
            await transport.ManagementCommand(
                new SetThrottle(peer, ThrottleTransportAdapter.Direction.Both, mode));
        }
    }
}

static int Number(string text) => int.Parse(text, CultureInfo.InvariantCulture);
