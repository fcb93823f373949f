using System.Collections.Immutable;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Simulation.Kernel;
using Input = ReplicationEngine.Actors.Entities.CoreInput<ReplicationEngine.Engine.ProtectedVms.ProtectedVmCommand>;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The journal as a server of its own that outlives the service: what is on its way to it arrives, whatever becomes of
/// the sender. It has latencies, unknown outcomes, a full disk, times at which it answers nothing or late, and records
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

    /// <summary>Whether it answers nothing now.</summary>
    public bool IsTroubled => _world.Queue.Now < _troubledUntil;

    /// <summary>How long a way takes.</summary>
    public TimeSpan Latency() => TimeSpan.FromTicks(_random.Between(3_000, 40_000));

    /// <summary>A number for an entity's owner, so that they are told apart.</summary>
    public long NextOwner() => ++_owners;

    /// <summary>The outcome of the next append is unknown.</summary>
    public void NextUnknown(bool durable) => _unknown = durable;

    /// <summary>There is no room for a while.</summary>
    public void Fill(TimeSpan length) => _fullUntil = _world.Queue.Now + length;

    /// <summary>Every append and every read fails for a while: it is locked, or starts again.</summary>
    public void Trouble(TimeSpan length) => _troubledUntil = _world.Queue.Now + length;

    /// <summary>Appends wait for a while, and are done after it; who sent them may have given them up.</summary>
    public void Stall(TimeSpan length) => _stalledUntil = _world.Queue.Now + length;

    /// <summary>Declares living owners of entities dead for a while.</summary>
    public void TakeForDead(TimeSpan length) => _rivalsUntil = _world.Queue.Now + length;

    /// <summary>Whether the owner that appends now is thought dead.</summary>
    public bool TakesForDead() => _world.Queue.Now < _rivalsUntil && _random.Chance(0.4);

    /// <summary>How long the append of an owner that is thought dead is on its way.</summary>
    public TimeSpan OnItsWay() => _random.Chance(0.5)
        ? _random.Between(TimeSpan.Zero, TimeSpan.FromMilliseconds(60))
        : _random.Between(TimeSpan.Zero, TimeSpan.FromSeconds(30));

    /// <summary>Everything works again.</summary>
    public void Heal()
    {
        (_fullUntil, _troubledUntil, _stalledUntil, _rivalsUntil) = (default, default, default, default);
        _unknown = null;
    }

    /// <summary>Sends the events of a command on their way.</summary>
    /// <param name="id">The stream.</param>
    /// <param name="owner">Whose they are, by its number.</param>
    /// <param name="events">The events.</param>
    /// <param name="held">How much longer than usual they are on their way.</param>
    /// <param name="answered">Told what the owner learns, once.</param>
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

    /// <summary>The newest snapshot; null when there is none.</summary>
    public EntitySnapshot? SnapshotOf(PersistenceId id) => _snapshots.GetValueOrDefault(id);

    /// <summary>Keeps a snapshot.</summary>
    public void Save(PersistenceId id, EntitySnapshot snapshot) => _snapshots[id] = snapshot;

    /// <summary>The records behind a number, as they are replayed.</summary>
    public IReadOnlyList<Input> Replay(PersistenceId id, long after, int most) =>
    [
        .. _seen.Read(id, after, most).Select(stored => _unreadable.Contains((id, stored.Sequence))
            ? new Input.Unreadable(new UnreadableRecord(stored.Name, "is damaged"), IsSnapshot: false)
            : (Input)new Input.Replayed(stored)),
    ];

    /// <summary>What became of a command.</summary>
    public Input Find(PersistenceId id, CommandId command) => IsTroubled
        ? new Input.CommandNotFound("the journal cannot be read now")
        : new Input.CommandFound(_seen.FindCommand(id, command));

    /// <summary>All events of a stream.</summary>
    public IReadOnlyList<StoredEvent> EventsOf(PersistenceId id) => _streams.EventsOf(id);

    /// <summary>Damages the newest event of a stream, and perhaps its snapshot; returns what repairs it.</summary>
    /// <param name="id">The stream.</param>
    /// <param name="draw">Chooses how.</param>
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
