using Microsoft.Extensions.DependencyInjection;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Persistence.Sqlite;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>
/// A data directory whose journal holds the first events of a VM's life; kept open, as a service keeps it.
/// </summary>
internal sealed class RecordedVm : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("journal-");
    private readonly ServiceProvider _services;

    public RecordedVm(string name = "web-1")
    {
        var services = new ServiceCollection();
        services.AddReplicationEngine(_ => { }).UseSqlite(Path.Combine(Data, "journal.db"));
        _services = services.BuildServiceProvider();
        Record(name);
    }

    public string Data => Path.Combine(_directory.FullName, "data");

    public string New(string name) => Path.Combine(_directory.FullName, name);

    public void Dispose()
    {
        _services.Dispose();
        _directory.Delete(recursive: true);
    }

    private void Record(string name)
    {
        var journal = _services.GetRequiredService<IEventJournal>();
        var granted = Assert.IsType<LeaseOutcome.Granted>(_services.GetRequiredService<ILeaseStore>()
            .AcquireAsync("region", "node", Samples.Start, DateTimeOffset.MaxValue, default).AsTask().Result);
        var (state, head, codec) = (ProtectedVm.Initial, StreamHead.Start, new ProtectedVmCodec());
        ValueList<ProtectedDisk> disks = [new ProtectedDisk("/disks/a.img", 1 << 20)];
        foreach (var (number, command) in Commands(name, disks).Index())
        {
            var context = new DecisionContext(
                Samples.Start.AddMinutes(number), new CommandId(new Guid(number + 1, 0, 0, new byte[8])), "alice");
            var decided = (Decision<ProtectedVmEvent>.Accepted)ProtectedVm.Decide(state, command(state), context);
            state = decided.Events.Aggregate(state, ProtectedVm.Evolve);
            var timers = ProtectedVm.Timers(state);
            var request = AppendRequest.Create(
                new PersistenceId(ProtectedVm.TypeName, new VaultId("default"), name), granted.Lease.Token, head,
                context,
                [.. decided.Events.Select(codec.Encode)],
                new WakeMark(
                    timers.IsEmpty ? null : timers.Min(timer => timer.DueAt), !ProtectedVm.Outstanding(state).IsEmpty));
            Assert.IsType<AppendOutcome.Appended>(journal.AppendAsync(request, default).AsTask().Result);
            head = request.NewHead;
        }
    }

    // Enabling, initial replication, a pause and its end: ten commands, of which the fifth to the last keep it going.
    private static IEnumerable<Func<ProtectedVmState, ProtectedVmCommand>> Commands(
        string name, ValueList<ProtectedDisk> disks) =>
    [
        _ => new ProtectedVmCommand.Enable(
            new ProtectedVmId(name), disks, "SCN-1", ReplicationPolicy.Default, "agent-1"),
        Done(new EffectResult.PrerequisitesMet(disks)), Done(), Done(), Done(),
        _ => new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, 4096),
        Done(),
        _ => new ProtectedVmCommand.Pause(),
        _ => new ProtectedVmCommand.Resume(),
        _ => new ProtectedVmCommand.Pause(),
    ];

    private static Func<ProtectedVmState, ProtectedVmCommand> Done(EffectResult? result = null) => state =>
        new ProtectedVmCommand.RecordEffectSucceeded(
            ProtectedVm.Outstanding(state)[0].Id, result ?? new EffectResult.Done());
}
