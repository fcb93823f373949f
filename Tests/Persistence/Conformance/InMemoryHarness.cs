using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;

namespace ReplicationEngine.Tests.Persistence.Conformance;

internal sealed class InMemoryHarness : StoreHarness
{
    private readonly InMemoryLeases _leases = new();
    private readonly InMemoryJournal _journal;

    public InMemoryHarness() => _journal = new InMemoryJournal(_leases);

    public override IEventJournal Journal => _journal;

    public override ISnapshotStore Snapshots { get; } = new InMemorySnapshots();

    public override ILeaseStore Leases => _leases;

    public override IReminderIndex Reminders => _journal;

    public override void Reopen()
    {
    }

    public override void Harm(PersistenceId id, long sequence, Damage damage)
    {
        var events = _journal.EventsOf(id);
        var at = (int)sequence - 1;
        var stored = events[at];
        events[at] = damage switch
        {
            Damage.Payload => stored with { Payload = [.. stored.Payload.Select(b => (byte)(b ^ 1))] },
            Damage.Name => stored with { Name = "counter.other.v1" },
            Damage.Actor => stored with { Actor = "somebody" },
            Damage.Time => stored with { Time = stored.Time.AddTicks(1) },
            Damage.Command => stored with { CommandId = Command(-1) },
            Damage.Removed or Damage.Swapped => events[at + 1],
            _ => throw new ArgumentOutOfRangeException(nameof(damage)),
        };
        if (damage == Damage.Swapped)
        {
            events[at + 1] = stored;
        }
    }

    public override void Dispose()
    {
    }
}
