using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Persistence.Sqlite;
using ReplicationEngine.Tests.Engine.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.Replay;

/// <summary>
/// A data directory with a journal in which random lives of VMs are recorded, and the means to damage it.
/// </summary>
internal sealed class RecordedLives : IDisposable
{
    private static readonly ProtectedVmCodec Codec = new();
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("replay-");
    private readonly Dictionary<string, StreamHead> _heads = new(StringComparer.Ordinal);

    public string Data => Path.Combine(_directory.FullName, "data");

    public string File => Path.Combine(Data, RecordedJournal.FileName);

    public string New(string name) => Path.Combine(_directory.FullName, name);

    public static PersistenceId Id(string vm) => new(ProtectedVm.TypeName, new VaultId("default"), vm);

    /// <summary>Records lives, interleaved, with a snapshot of each on the way.</summary>
    public RecordedLives Record(int seed, int steps, params string[] vms)
    {
        using var store = new SqliteStore(File);
        Record(store, seed, steps, vms);
        return this;
    }

    public void Record(SqliteStore store, int seed, int steps, params string[] vms)
    {
        var random = new Random(seed);
        var token = Own(store);
        var lives = vms.Select(vm => (Vm: vm, Story: new Story())).ToList();
        for (var step = 1; step <= steps; step++)
        {
            foreach (var (vm, story) in lives)
            {
                var before = story.Events.Count;
                story.After(TimeSpan.FromSeconds(random.Next(400)));
                story.Try(RandomLife.Command(story, random.Next()));
                Append(store, token, vm, story, step, before);
                if (step == steps * 2 / 3)
                {
                    var snapshot = StoredSnapshot.Create(
                        Id(vm), Codec.SnapshotVersion, _heads[vm], Codec.EncodeState(story.State));
                    Assert.True(store.SaveAsync(snapshot, default).AsTask().Wait(TimeSpan.FromMinutes(1)));
                }
            }
        }
    }

    /// <summary>Changes rows behind the store's back.</summary>
    public void Sql(string sql)
    {
        using var database = new SqliteDatabase(File, readOnly: false);
        database.Execute(sql);
    }

    /// <summary>
    /// Changes an event and seals it and all that follow anew, as somebody would who knows the format and can write.
    /// </summary>
    public void Forge(string vm, long sequence, Func<StoredEvent, StoredEvent> change)
    {
        List<RecordedEvent> events;
        using (var journal = RecordedJournal.Open(File))
        {
            events = [.. journal.Read(Id(vm))];
        }

        using var database = new SqliteDatabase(File, readOnly: false);
        var update = database.Prepare("UPDATE events SET name=?2, payload=?3, hash=?4 WHERE position=?1");
        var head = StreamHead.Start;
        foreach (var recorded in events)
        {
            var stored = recorded.Event.Sequence == sequence ? change(recorded.Event) : recorded.Event;
            var resealed = EventChain.Seal(
                head, new EncodedEvent(stored.Name, stored.Payload), stored.Time, stored.Actor, stored.CommandId);
            update.Bind(1, recorded.Position.Value).Bind(2, stored.Name).Bind(3, stored.Payload)
                .Bind(4, resealed.Hash).Run();
            head = new StreamHead(resealed.Sequence, resealed.Hash);
        }

        var heads = database.Prepare("UPDATE streams SET hash=?2 WHERE entity=?1");
        heads.Bind(1, vm).Bind(2, head.Hash).Run();
        database.Execute($"DELETE FROM snapshots WHERE stream=(SELECT key FROM streams WHERE entity='{vm}')");
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

    private static FencingToken Own(SqliteStore store)
    {
        var asked = store.Leases.AcquireAsync("region", "node", Story.Monday, DateTimeOffset.MaxValue, default);
        return Assert.IsType<LeaseOutcome.Granted>(asked.AsTask().Result).Lease.Token;
    }

    private void Append(SqliteStore store, FencingToken token, string vm, Story story, int command, int before)
    {
        if (story.Events.Count == before)
        {
            return;
        }

        // A story numbers its commands, one for each that is tried.
        var context = new DecisionContext(story.Now, new CommandId(Story.Numbered(command)), Story.User)
        {
            Steady = Story.Steady(story.Now),
        };
        var timers = ProtectedVm.Timers(story.State);
        var wake = new WakeMark(
            timers.IsEmpty ? null : timers.Min(timer => timer.DueAt), !ProtectedVm.Outstanding(story.State).IsEmpty);
        var request = AppendRequest.Create(
            Id(vm), token, _heads.GetValueOrDefault(vm), context,
            [.. story.Events.Skip(before).Select(Codec.Encode)], wake);
        Assert.IsType<AppendOutcome.Appended>(store.AppendAsync(request, default).AsTask().Result);
        _heads[vm] = request.NewHead;
    }
}
