using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.Persistence.Conformance;

/// <summary>What can be done to an event behind the store's back.</summary>
public enum Damage
{
    Payload,
    Name,
    Actor,
    Time,
    Command,
    Removed,
    Swapped,
}

/// <summary>A store under test, with the means to reopen and to damage it.</summary>
internal abstract class StoreHarness : IDisposable
{
    public abstract IEventJournal Journal { get; }

    public abstract ISnapshotStore Snapshots { get; }

    public abstract ILeaseStore Leases { get; }

    public abstract IReminderIndex Reminders { get; }

    /// <summary>Closes and opens it, as a restart does; nothing happens where nothing outlives the process.</summary>
    public abstract void Reopen();

    /// <summary>Changes what is stored. The store is closed meanwhile.</summary>
    public abstract void Harm(PersistenceId id, long sequence, Damage damage);

    public abstract void Dispose();

    public static PersistenceId Id(string entity = "one", string vault = "vault", string type = "counter") =>
        new(type, new VaultId(vault), entity);

    public static CommandId Command(int number) => new(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    public static readonly DateTimeOffset Now = new(2026, 1, 1, 12, 0, 0, TimeSpan.Zero);

    public async Task<FencingToken> OwnAsync(string lease = "region")
    {
        var outcome = await Leases.AcquireAsync(lease, "node", Now, DateTimeOffset.MaxValue, default);
        return Assert.IsType<LeaseOutcome.Granted>(outcome).Lease.Token;
    }

    public async Task<StreamHead> HeadAsync(PersistenceId id)
    {
        var slice = await Journal.ReadStreamAsync(id, StreamHead.Start, 100_000, default);
        return slice.Events.Count == 0
            ? StreamHead.Start
            : new StreamHead(slice.Events[^1].Sequence, slice.Events[^1].Hash);
    }

    public static AppendRequest Request(
        PersistenceId id, FencingToken token, StreamHead head, int command, int events = 1, WakeMark wake = default)
    {
        var encoded = Enumerable.Range(1, events)
            .Select(number => new EncodedEvent(
                "counter.added.v1", Encoding.UTF8.GetBytes($"{id.Entity}-{command}-{number}")))
            .ToArray();
        return AppendRequest.Create(
            id, token, head, new DecisionContext(Now.AddSeconds(command), Command(command), "tester"), encoded, wake);
    }

    /// <summary>Appends where the stream ends, and expects it to work.</summary>
    public async Task<StreamHead> AppendAsync(
        PersistenceId id, FencingToken token, int command, int events = 1, WakeMark wake = default)
    {
        var request = Request(id, token, await HeadAsync(id), command, events, wake);
        Assert.IsType<AppendOutcome.Appended>(await Journal.AppendAsync(request, default));
        return request.NewHead;
    }
}
