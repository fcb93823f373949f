// The engine embedded in a program: a protected VM whose effects StorageEffects runs.
// Usage: embedding JOURNAL, the file that keeps the VMs' history. The program exits with 0 once the VM is protected.
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.ReadModels;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Persistence.Sql;
using ReplicationEngine.Samples.Embedding;

if (args is not [var journal])
{
    Console.Error.WriteLine("Name the journal file: embedding JOURNAL");
    return 2;
}

var builder = Host.CreateApplicationBuilder();
builder.Logging.ClearProviders();

// README: begin
builder.Services.AddReplicationEngine(options => options.SnapshotEvery = 200)
    .AddEntity<ProtectedVm, ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>(new ProtectedVmCodec())
    .AddEffectHandler<ProtectedVmCommand, StorageEffects>() // runs the VMs' effects
    .AddProjection<ProtectedVmProjection>()                 // documents to read: engine.ReadModel
    .UseSqlite(journal);                                    // or .UsePostgreSql(connection), .UseInMemory()
using var host = builder.Build();
await host.StartAsync();

var engine = host.Services.GetRequiredService<IReplicationEngine>();
var vms = engine.Entities<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent>();
var web = vms.Get(new VaultId("default"), "web");
var reply = await web.AskAsync(
    new ProtectedVmCommand.Enable(
        new ProtectedVmId("web"), [new ProtectedDisk("/srv/web-0.img", 1 << 30)], "SCN-1", ReplicationPolicy.Default,
        "host-1"),
    new CommandId(Guid.NewGuid()), "operator", CancellationToken.None);
// README: end

if (reply is not CommandReply.Accepted)
{
    Console.Error.WriteLine($"The engine refused: {reply}");
    return 1;
}

// The feed is the growing journal: follow it until the VM is protected.
await foreach (var e in engine.FollowFeedAsync(default, CancellationToken.None))
{
    var view = await web.StateAsync(CancellationToken.None);
    Console.WriteLine($"{e.Event.Sequence,3} {e.Event.Name}: the VM is in phase {view.State.Phase.GetType().Name}");
    if (view.State.Phase is Phase.Protected)
    {
        break;
    }
}

await host.StopAsync();
return 0;
