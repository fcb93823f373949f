using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>
/// A data directory whose journal holds the first events of a VM's life; kept open, as a service keeps it.
/// </summary>
internal sealed class RecordedVm : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("journal-");
    private readonly SqliteConnection _service;

    public RecordedVm(string name = "web-1")
    {
        using (var journal = Recorded(name))
        {
            JournalImport.Run(journal, Data, null, default);
        }

        _service = new SqliteConnection(new SqliteConnectionStringBuilder
        {
            DataSource = Path.Combine(Data, RecordedJournal.FileName), Pooling = false,
        }.ToString());
        _service.Open();
        Execute("PRAGMA user_version=3");
    }

    public string Data => Path.Combine(_directory.FullName, "data");

    public string New(string name) => Path.Combine(_directory.FullName, name);

    /// <summary>Changes rows behind the service's back.</summary>
    public void Execute(string sql)
    {
        using var command = _service.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    public void Dispose()
    {
        _service.Dispose();
        _directory.Delete(recursive: true);
    }

    private static ComposedJournal Recorded(string name)
    {
        var (journal, state, codec) = (new ComposedJournal("a life"), ProtectedVm.Initial, new ProtectedVmCodec());
        ValueList<ProtectedDisk> disks = [new ProtectedDisk("/disks/a.img", 1 << 20)];
        foreach (var (number, decide) in Commands(name, disks).Index())
        {
            var context = new DecisionContext(
                Samples.Start.AddMinutes(number), new CommandId(new Guid(number + 1, 0, 0, new byte[8])), "alice");
            var command = decide(state);
            var decided = (Decision<ProtectedVmEvent>.Accepted)ProtectedVm.Decide(state, command, context);
            state = decided.Events.Aggregate(state, ProtectedVm.Evolve);
            var timers = ProtectedVm.Timers(state);
            journal.Add(
                new PersistenceId(ProtectedVm.TypeName, new VaultId("default"), name), context,
                codec.EncodeCommand(command), [.. decided.Events.Select(codec.Encode)],
                new WakeMark(
                    timers.IsEmpty ? null : timers.Min(timer => timer.DueAt), !ProtectedVm.Outstanding(state).IsEmpty));
        }

        return journal;
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
