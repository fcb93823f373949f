using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.InMemory;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The journal as a server of its own that outlives the service: the in-memory store with latencies, unknown outcomes,
/// a full disk and another owner of the lease.
/// </summary>
internal sealed class JournalStore
{
    private const string Owner = "service";
    private readonly SimWorld _world;
    private readonly SplittableRandom _random;
    private readonly InMemoryLeases _leases = new();
    private readonly InMemoryJournal _inner;
    private TimeSpan _fullUntil;
    private TimeSpan _rivalUntil;
    private int? _unknown;

    public JournalStore(SimWorld world, SplittableRandom random)
    {
        (_world, _random) = (world, random);
        _inner = new InMemoryJournal(_leases);
        Journal = world.Parts.Journal(_inner);
    }

    /// <summary>What its host sees.</summary>
    public IEventJournal Journal { get; }

    /// <summary>The snapshots.</summary>
    public InMemorySnapshots Snapshots { get; } = new();

    /// <summary>The newest epoch of the region.</summary>
    public long Epoch => _leases.EpochOf(Region);

    private const string Region = "protected-vm/0";

    /// <summary>How long an answer takes.</summary>
    public TimeSpan Latency() => TimeSpan.FromTicks(_random.Between(3_000, 40_000));

    /// <summary>The outcome of the next append is unknown.</summary>
    public void NextUnknown(bool durable) => _unknown = durable ? 1 : 0;

    /// <summary>There is no room for a while.</summary>
    public void Fill(TimeSpan length) => _fullUntil = _world.Queue.Now + length;

    /// <summary>Another owner takes the lease, as if this one's had run out, and lets it go after a while.</summary>
    public void TakeByRival(TimeSpan length)
    {
        var start = SimWorld.Start;
        Result(_leases.ReleaseAsync(new FencingToken(Region, Epoch), default));
        Result(_leases.AcquireAsync(Region, "rival", start, DateTimeOffset.MaxValue, default));
        var token = new FencingToken(Region, Epoch);
        _rivalUntil = _world.Queue.Now + length;
        _world.Queue.At(_rivalUntil, () => Result(_leases.ReleaseAsync(token, default)));
    }

    /// <summary>Everything works again.</summary>
    public void Heal()
    {
        (_fullUntil, _unknown) = (default, null);
        if (_world.Queue.Now < _rivalUntil)
        {
            _rivalUntil = default;
            Result(_leases.ReleaseAsync(new FencingToken(Region, Epoch), default));
        }
    }

    /// <summary>Takes an epoch; null when another owner has the lease.</summary>
    public FencingToken? Acquire() => Result(_leases.AcquireAsync(
        Region, Owner, SimWorld.Start, DateTimeOffset.MaxValue, default)) is LeaseOutcome.Granted granted
            ? granted.Lease.Token : null;

    /// <summary>Appends; the outcome as it is told.</summary>
    public AppendOutcome Append(AppendRequest request)
    {
        if (_world.Queue.Now < _fullUntil)
        {
            return new AppendOutcome.JournalFull("the journal's disk is full");
        }

        var unknown = _unknown;
        _unknown = null;
        if (unknown == 0)
        {
            return new AppendOutcome.Unknown("the connection broke before the commit");
        }

        var outcome = Result(Journal.AppendAsync(request, default));
        _world.Checkers.Appended(request, outcome);
        return unknown is null ? outcome : new AppendOutcome.Unknown("the connection broke after the commit");
    }

    /// <summary>All events of a stream.</summary>
    public IReadOnlyList<StoredEvent> EventsOf(PersistenceId id)
    {
        var all = Result(_inner.ReadStreamAsync(id, StreamHead.Start, int.MaxValue, default));
        return all.Events;
    }

    /// <summary>Damages the newest event of a stream; returns what mends it.</summary>
    public Action? Poison(PersistenceId id)
    {
        if (EventsOf(id).Count == 0)
        {
            return null;
        }

        var events = _inner.EventsOf(id);
        var (at, whole) = (events.Count - 1, events[^1]);
        events[at] = whole with { Payload = [.. whole.Payload, 1] };
        return () => events[at] = whole;
    }

    private static T Result<T>(ValueTask<T> task) => task.AsTask().GetAwaiter().GetResult();

    private static void Result(ValueTask task) => task.AsTask().GetAwaiter().GetResult();
}
