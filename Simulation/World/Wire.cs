using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Simulation.Kernel;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The link between an agent and the service. Control messages are lost while their direction is cut. The data stream
/// waits, as TCP does. A stalled link passes nothing and by itself loses nothing: everything arrives when the stall is
/// over, unless an end gives up the connection before. A lossy link (fault class M) loses, duplicates and reorders
/// messages of both kinds, because nothing below the protocol may be trusted.
/// </summary>
internal sealed class Wire(EventQueue queue, SplittableRandom random)
{
    private static readonly TimeSpan GivenUpAfter = ControlLimits.LookEvery * ControlLimits.SilentLooks;
    private readonly TimeSpan[] _last = new TimeSpan[2];
    private readonly TimeSpan[] _cutUntil = new TimeSpan[2];
    private readonly TimeSpan[] _stalledUntil = new TimeSpan[2];
    private readonly List<Action>[] _held = [[], []];
    private TimeSpan _slowUntil;
    private TimeSpan _added;
    private TimeSpan _lossyUntil;

    /// <summary>Returns whether a direction is open.</summary>
    public bool IsOpen(bool toService) => queue.Now >= _cutUntil[Way(toService)];

    /// <summary>Whether a message that is sent now arrives in time, in both directions.</summary>
    public bool Passes => PassesTo(service: true) && PassesTo(service: false);

    /// <summary>Returns whether a message that is sent now in one direction arrives in time.</summary>
    public bool PassesTo(bool service) => IsOpen(service) && queue.Now >= _stalledUntil[Way(service)];

    /// <summary>Draws the time of a round trip: one message in each direction.</summary>
    public TimeSpan RoundTrip() => Delay() + Delay();

    /// <summary>Called when an end has given up the control connection, because a stall took too long.</summary>
    public Action? Lost { get; set; }

    /// <summary>
    /// Runs an action for each direction that the bits select: 1 the direction to the service, 2 the direction to the
    /// agent.
    /// </summary>
    public static void Ways(long bits, Action<bool> each)
    {
        if ((bits & 1) != 0)
        {
            each(true);
        }

        if ((bits & 2) != 0)
        {
            each(false);
        }
    }

    /// <summary>
    /// Holds back all messages in one direction. The connections stay open until an end gives them up. Then the held
    /// messages are lost, and no new connection is possible before the stall is over.
    /// </summary>
    public void Stall(bool toService, TimeSpan length)
    {
        var way = Way(toService);
        _stalledUntil[way] = queue.Now + length;
        queue.After(GivenUpAfter, () =>
        {
            if (queue.Now < _stalledUntil[way])
            {
                _held[way].Clear();
                _cutUntil[way] = _stalledUntil[way];
                Lost?.Invoke();
            }
        });
        queue.At(_stalledUntil[way], () =>
        {
            if (queue.Now >= _stalledUntil[way])
            {
                _held[way].ForEach(deliver => queue.After(Delay(), deliver));
                _held[way].Clear();
            }
        });
    }

    /// <summary>Cuts one direction for a while.</summary>
    public void Cut(bool toService, TimeSpan length) => _cutUntil[Way(toService)] = queue.Now + length;

    /// <summary>Adds latency in both directions for a while.</summary>
    public void Slow(TimeSpan length, TimeSpan added) => (_slowUntil, _added) = (queue.Now + length, added);

    /// <summary>Lets messages be lost, duplicated and reordered for a while.</summary>
    public void Lossy(TimeSpan length) => _lossyUntil = queue.Now + length;

    /// <summary>Begins a new data connection, which does not wait behind frames of an older one.</summary>
    public void Connect() => Array.Clear(_last);

    /// <summary>Ends all faults of the link. Messages that a stall still holds are lost.</summary>
    public void Heal()
    {
        Array.Clear(_cutUntil);
        Array.Clear(_stalledUntil);
        Array.ForEach(_held, held => held.Clear());
        Array.Clear(_last);
        (_slowUntil, _lossyUntil) = (default, default);
    }

    /// <summary>Sends a control message.</summary>
    public void Tell(bool toService, Action deliver)
    {
        if (!IsOpen(toService))
        {
            return;
        }

        if (queue.Now < _stalledUntil[Way(toService)])
        {
            _held[Way(toService)].Add(deliver);
            return;
        }

        var lossy = queue.Now < _lossyUntil;
        if (!lossy || !random.Chance(0.2))
        {
            queue.After(Delay(), deliver);
        }

        if (lossy && random.Chance(0.2))
        {
            queue.After(Delay() + Delay(), deliver);
        }
    }

    /// <summary>
    /// Repeats the processing of a delivered message now and then, much later and after newer messages.
    /// </summary>
    public void Late(Action deliver)
    {
        if (random.Chance(0.05))
        {
            queue.After(random.Between(TimeSpan.FromSeconds(1), TimeSpan.FromMinutes(3)), deliver);
        }
    }

    /// <summary>Sends a frame of the data stream.</summary>
    public void Stream(bool toService, int bytes, Action deliver)
    {
        var way = Way(toService);
        var at = queue.Now + Delay() + TimeSpan.FromTicks(bytes / 10);
        at = at > _cutUntil[way] ? at : _cutUntil[way] + Delay();
        at = at > _stalledUntil[way] ? at : _stalledUntil[way] + Delay();
        at = at > _last[way] ? at : _last[way];
        _last[way] = at;
        if (queue.Now < _lossyUntil)
        {
            var fate = random.Next(40);
            if (fate == 0)
            {
                return;
            }

            if (fate == 1)
            {
                queue.At(at, deliver);
            }

            if (fate == 2)
            {
                at += TimeSpan.FromMilliseconds(50);
            }
        }

        queue.At(at, deliver);
    }

    private static int Way(bool toService) => toService ? 1 : 0;

    private TimeSpan Delay() => TimeSpan.FromTicks(random.Between(5_000, 30_000))
        + (queue.Now < _slowUntil ? _added : TimeSpan.Zero);
}
