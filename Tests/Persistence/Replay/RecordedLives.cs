using Microsoft.Data.Sqlite;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Sql;

namespace ReplicationEngine.Tests.Persistence.Replay;

/// <summary>
/// A data directory with a journal in which random lives of VMs are recorded, and the means to damage it.
/// </summary>
internal sealed class RecordedLives : IDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("replay-");

    public string Data => Path.Combine(_directory.FullName, "data");

    public string File => Path.Combine(Data, RecordedJournal.FileName);

    public string New(string name) => Path.Combine(_directory.FullName, name);

    public static PersistenceId Id(string vm) => new(ProtectedVm.TypeName, new VaultId("default"), vm);

    /// <summary>Records lives, interleaved, with their snapshots.</summary>
    public RecordedLives Record(int seed, int steps, params string[] vms)
    {
        var (events, snapshots) = Live(seed, steps, vms);
        Directory.CreateDirectory(Data);
        JournalFileWriter.Write(File, events, snapshots);
        return this;
    }

    /// <summary>Records more lives as a service does, which has the journal open and goes on.</summary>
    public SqliteConnection RecordMore(int seed, int steps, params string[] vms)
    {
        var (events, snapshots) = Live(seed, steps, vms);
        var connection = JournalFileWriter.Open(File);
        foreach (var recorded in events)
        {
            JournalFileWriter.Add(connection, [recorded]);
        }

        JournalFileWriter.Add(connection, snapshots);
        return connection;
    }

    /// <summary>Changes rows behind the store's back.</summary>
    public void Sql(string sql, params object[] parameters) => Assert.NotEqual(0, Run(sql, parameters));

    /// <summary>Changes tables behind the store's back.</summary>
    public void Define(string sql) => Run(sql);

    /// <summary>Changes an event's record and nothing else, as rot does.</summary>
    public void Tamper(RecordedEvent at, Func<StoredEvent, StoredEvent> change) => Put(at, change(at.Event));

    /// <summary>
    /// Changes an event and seals it and all that follow again, as somebody would who knows the format and can write.
    /// </summary>
    public void Forge(string vm, long sequence, Func<StoredEvent, StoredEvent> change)
    {
        var head = StreamHead.Start;
        foreach (var recorded in Events(vm))
        {
            var stored = recorded.Event.Sequence == sequence ? change(recorded.Event) : recorded.Event;
            var resealed = EventChain.Seal(
                head, new EncodedEvent(stored.Name, stored.Payload), stored.Time, stored.Actor, stored.CommandId,
                stored.Command);
            Put(recorded, resealed);
            head = resealed.Head;
        }

        Run("DELETE FROM snapshot WHERE persistence_id=$1", Id(vm).ToString());
    }

    public VerifiedJournal Verify(string? path = null)
    {
        using var journal = path is null ? RecordedJournal.OpenStore(Data) : RecordedJournal.OpenDamaged(path);
        return new JournalVerification(journal, EntityReplays.OfTheEngine).Run(null, default);
    }

    public string Export(string name, params string[] vms)
    {
        using var journal = RecordedJournal.OpenStore(Data);
        new JournalExport(journal, [.. vms.Select(Id)]).Write(New(name), null, default);
        return New(name);
    }

    /// <summary>The events of a VM as they stand in the file.</summary>
    public List<RecordedEvent> Events(string vm)
    {
        using var journal = RecordedJournal.OpenStore(Data);
        return [.. journal.Read(Id(vm))];
    }

    public void Dispose() => _directory.Delete(recursive: true);

    private static (List<RecordedEvent> Events, List<RecordedSnapshot> Snapshots) Live(
        int seed, int steps, string[] vms)
    {
        var (events, snapshots) = (new List<RecordedEvent>(), new List<RecordedSnapshot>());
        var lives = vms.Select(vm => new RecordedLife(
            Id(vm),
            stored => events.Add(RecordedEvent.Of(events.Count + 1, Id(vm), stored)),
            snapshot => snapshots.Add(RecordedSnapshot.Of(Id(vm), snapshot)))).ToList();
        var random = new Random(seed);
        for (var step = 0; step < steps; step++)
        {
            lives.ForEach(life => life.Step(random));
        }

        return (events, snapshots);
    }

    private void Put(RecordedEvent at, StoredEvent stored) => Sql(
        "UPDATE journal SET message=$1, manifest=$2, tags=$3 WHERE ordering=$4",
        StoredRecordForm.Encode(stored), stored.Name,
        stored.EndsCommand ? SqliteJournalSchema.TagOf(stored.CommandId) : "", at.Position.Value);

    private int Run(string sql, params object[] parameters)
    {
        using var connection = JournalFileWriter.Open(File);
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        foreach (var (index, value) in parameters.Index())
        {
            command.Parameters.AddWithValue($"${index + 1}", value);
        }

        return command.ExecuteNonQuery();
    }
}
