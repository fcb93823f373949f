using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Simulation.Kernel;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The journal as a separate server that outlives the service: requests in transit arrive, whatever happens to their
/// sender. It has latencies, unknown outcomes, a full disk, times without replies or with late replies, and records
/// that cannot be read.
/// </summary>
internal sealed class JournalStore
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);
    private readonly SimWorld _world;
    private readonly SplittableRandom _random;
    private readonly SimStreams _streams = new();
    private readonly IStreams _seen;
    private readonly Dictionary<PersistenceId, EntitySnapshot> _snapshots = [];
    private readonly HashSet<(PersistenceId Id, long Sequence)> _unreadable = [];
    private TimeSpan _fullUntil;
    private TimeSpan _troubledUntil;
    private TimeSpan _stalledUntil;
    private TimeSpan _rivalsUntil;
    private bool? _unknown;
    private long _owners;

    public JournalStore(SimWorld world, SplittableRandom random)
    {
        (_world, _random) = (world, random);
        _seen = world.Parts.Journal(_streams);
    }

    /// <summary>Whether every append and read fails now.</summary>
    public bool IsTroubled => _world.Queue.Now < _troubledUntil;

    /// <summary>Draws the time that a message to or from the journal takes.</summary>
    public TimeSpan Latency() => TimeSpan.FromTicks(_random.Between(3_000, 40_000));

    /// <summary>Returns a new number that identifies an owner of an entity.</summary>
    public long NextOwner() => ++_owners;

    /// <summary>Makes the outcome of the next append unknown to its sender.</summary>
    public void NextUnknown(bool durable) => _unknown = durable;

    /// <summary>Lets the journal have no free space for a while.</summary>
    public void Fill(TimeSpan length) => _fullUntil = _world.Queue.Now + length;

    /// <summary>Lets every append and read fail for a while, as in a journal that is locked or restarting.</summary>
    public void Trouble(TimeSpan length) => _troubledUntil = _world.Queue.Now + length;

    /// <summary>
    /// Lets appends wait for a while and stores them afterwards. Their senders may have given up by then.
    /// </summary>
    public void Stall(TimeSpan length) => _stalledUntil = _world.Queue.Now + length;

    /// <summary>Lets living owners of entities be declared dead for a while.</summary>
    public void TakeForDead(TimeSpan length) => _rivalsUntil = _world.Queue.Now + length;

    /// <summary>Draws whether the owner that appends now is declared dead.</summary>
    public bool TakesForDead() => _world.Queue.Now < _rivalsUntil && _random.Chance(0.4);

    /// <summary>Draws the additional time in transit for an append of an owner that was declared dead.</summary>
    public TimeSpan OnItsWay() => _random.Chance(0.5)
        ? _random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(60))
        : _random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(30));

    /// <summary>Ends all faults of the journal.</summary>
    public void Heal()
    {
        (_fullUntil, _troubledUntil, _stalledUntil, _rivalsUntil) = (default, default, default, default);
        _unknown = null;
    }

    /// <summary>Sends the events of a command to the journal.</summary>
    /// <param name="id">The stream of the events.</param>
    /// <param name="owner">The number of the owner that sends the events.</param>
    /// <param name="events">The events of one command.</param>
    /// <param name="held">The additional time that the events are in transit.</param>
    /// <param name="answered">Called once with the outcome that the owner learns.</param>
    public void Append(
        PersistenceId id, long owner, ImmutableArray<StoredEvent> events, TimeSpan held, Action<Input> answered)
    {
        var now = _world.Queue.Now;
        var arrives = (_stalledUntil > now ? _stalledUntil : now) + Latency() + held;
        var late = arrives - now > Patience;
        if (late)
        {
            _world.Queue.After(
                Patience, () => answered(new Input.PersistUnknown("the journal did not answer in time")));
        }

        _world.Queue.At(arrives, () =>
        {
            var answer = Judge(id, owner, events);
            if (!late)
            {
                answered(answer);
            }
        });
    }

    /// <summary>Returns the newest snapshot of an entity; null when there is none.</summary>
    public EntitySnapshot? SnapshotOf(PersistenceId id) => _snapshots.GetValueOrDefault(id);

    /// <summary>Stores a snapshot, which replaces the earlier one.</summary>
    public void Save(PersistenceId id, EntitySnapshot snapshot) => _snapshots[id] = snapshot;

    /// <summary>Returns the records after a number, as a recovery reads them.</summary>
    public IReadOnlyList<Input> Replay(PersistenceId id, long after, int most) =>
    [
        .. _seen.Read(id, after, most).Select(stored => _unreadable.Contains((id, stored.Sequence))
            ? new Input.Unreadable(new UnreadableRecord(stored.Name, "is damaged"), IsSnapshot: false)
            : (Input)new Input.Replayed(stored)),
    ];

    /// <summary>Looks up whether the journal knows a command.</summary>
    public Input Find(PersistenceId id, CommandId command) => IsTroubled
        ? new Input.CommandNotFound("the journal cannot be read now")
        : new Input.CommandFound(_seen.FindCommand(id, command));

    /// <summary>Returns all events of a stream.</summary>
    public IReadOnlyList<StoredEvent> EventsOf(PersistenceId id) => _streams.EventsOf(id);

    /// <summary>
    /// Damages the newest event of a stream, and perhaps its snapshot. Returns an action that repairs the event; null
    /// when the stream is empty.
    /// </summary>
    /// <param name="id">The stream to damage.</param>
    /// <param name="draw">A drawn number that selects the kind of damage.</param>
    public Action? Poison(PersistenceId id, long draw)
    {
        var events = _streams.EventsOf(id);
        if (events.Count == 0)
        {
            return null;
        }

        if ((draw & 2) != 0 && _snapshots.TryGetValue(id, out var snapshot))
        {
            _snapshots[id] = snapshot with { Payload = [.. snapshot.Payload, 1] };
        }

        if ((draw & 1) == 0)
        {
            var newest = (id, (long)events.Count);
            _unreadable.Add(newest);
            return () => _unreadable.Remove(newest);
        }

        var (at, whole) = (events.Count - 1, events[^1]);
        events[at] = whole with { Payload = [.. whole.Payload, 1] };
        return () => events[at] = whole;
    }

    private Input Judge(PersistenceId id, long owner, ImmutableArray<StoredEvent> events)
    {
        if (IsTroubled)
        {
            return new Input.PersistUnknown("the journal does not answer");
        }

        if (_world.Queue.Now < _fullUntil)
        {
            return new Input.NotPersisted("the journal's disk is full");
        }

        var unknown = _unknown;
        _unknown = null;
        if (unknown == false)
        {
            return new Input.PersistUnknown("the connection broke before the commit");
        }

        var stored = _seen.TryAppend(id, events);
        _world.Checkers.Appended(new Checkers.SeenAppend(id, owner, events, stored));
        return !stored ? new Input.PersistUnknown("a number or the command is taken")
            : unknown is null ? new Input.Persisted()
            : new Input.PersistUnknown("the connection broke after the commit");
    }
}
