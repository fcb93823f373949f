using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// The durable timers of one entity, and when each rings. They are a function of the state, so nothing is stored for
/// them but the wake mark. Used by one core at a time; the alarms go on in the entity's memory.
/// </summary>
/// <remarks>
/// A state says in wall time when a timer is due. How long that is from now is worked out once, when the timer is first
/// seen, and from then on measured by the steady clock, so that a wall clock that is set back delays nothing and one
/// that is set ahead hurries nothing (I26). Only what the host finds in the journal when it starts is taken by the wall
/// clock's word; and even then no timer is further away than it was when the last event was decided.
/// </remarks>
internal sealed class EntityTimers(EntityMemory memory)
{
    private ImmutableArray<ArmedTimer> _armed = memory.Timers;
    private ImmutableArray<(DurableTimer Timer, DateTimeOffset At)> _noted = [];
    private DateTimeOffset? _wakeAt;

    /// <summary>
    /// The timer that rings first; among equals the first by name, so that the order is always the same. Null when none
    /// is armed.
    /// </summary>
    public ArmedTimer? Next()
    {
        ArmedTimer? next = null;
        foreach (var armed in _armed)
        {
            var order = next is null ? -1 : armed.Due.CompareTo(next.Due);
            if (order < 0 || (order == 0 && string.CompareOrdinal(armed.Timer.Name, next!.Timer.Name) < 0))
            {
                next = armed;
            }
        }

        return next;
    }

    /// <summary>The alarms of a state's timers, those seen before with their old ones; nothing is armed yet.</summary>
    /// <param name="timers">The timers.</param>
    /// <param name="now">The instant.</param>
    /// <param name="recovered">Whether the state comes from the journal.</param>
    public ImmutableArray<ArmedTimer> AlarmsOf(ImmutableArray<DurableTimer> timers, EngineInstant now, bool recovered)
    {
        if (timers.IsEmpty)
        {
            return [];
        }

        var alarms = new ArmedTimer[timers.Length];
        for (var i = 0; i < alarms.Length; i++)
        {
            var timer = timers[i];
            var known = IndexOf(timer);
            alarms[i] = known >= 0 ? _armed[known] : new ArmedTimer(
                timer, now.Steady + (timer.DueAt - (recovered ? SetAt(timer, now) : now.Wall)));
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(alarms);
    }

    /// <summary>Arms these timers in place of all others.</summary>
    public void Arm(ImmutableArray<ArmedTimer> alarms)
    {
        _armed = alarms;
        memory.Timers = alarms;
    }

    /// <summary>Lets a timer that has rung in vain ring again later; nothing when it is armed no longer.</summary>
    public void Delay(DurableTimer timer, DateTimeOffset until)
    {
        var index = IndexOf(timer);
        if (index >= 0)
        {
            Arm(_armed.SetItem(index, new ArmedTimer(timer, until)));
        }
    }

    /// <summary>
    /// Notes, while the stream is read, how far the wall clock had come, at most, since each timer was set: a timer
    /// that a clock set which was ahead is measured by that clock, also when it was put right before the next event.
    /// </summary>
    /// <param name="timers">The timers of the state so far.</param>
    /// <param name="at">When its last event was decided (UTC).</param>
    public void Note(ImmutableArray<DurableTimer> timers, DateTimeOffset at)
    {
        if (timers.IsEmpty)
        {
            _noted = [];
            return;
        }

        var noted = new (DurableTimer, DateTimeOffset)[timers.Length];
        for (var i = 0; i < noted.Length; i++)
        {
            var timer = timers[i];
            var latest = at;
            foreach (var before in _noted)
            {
                latest = before.Timer == timer && before.At > latest ? before.At : latest;
            }

            noted[i] = (timer, latest);
        }

        _noted = ImmutableCollectionsMarshal.AsImmutableArray(noted);
    }

    /// <summary>Sets when the host is to wake the entity; whether that is another time than it knows.</summary>
    public bool WakeAt(DateTimeOffset? due)
    {
        if (due == _wakeAt)
        {
            return false;
        }

        _wakeAt = due;
        return true;
    }

    /// <summary>The host has woken the entity and knows of no further time.</summary>
    public void Woken() => _wakeAt = null;

    /// <summary>When the first of these timers is due in wall time (UTC); null when there is none.</summary>
    public static DateTimeOffset? EarliestDue(ImmutableArray<ArmedTimer> alarms)
    {
        DateTimeOffset? earliest = null;
        foreach (var alarm in alarms)
        {
            if (earliest is null || alarm.Timer.DueAt < earliest)
            {
                earliest = alarm.Timer.DueAt;
            }
        }

        return earliest;
    }

    /// <summary>
    /// The id of the command that a due timer becomes: the same for the same timer in the same state, so that a command
    /// whose outcome was unknown is recognised; another one after any further event, so that a timer armed again under
    /// the same name and time is not taken for it.
    /// </summary>
    public static CommandId CommandIdOf(DurableTimer timer, PersistenceId entity, long sequence)
    {
        var text = Encoding.UTF8.GetBytes($"{entity}|{timer.Name}");
        var input = new byte[text.Length + 16];
        text.CopyTo(input, 0);
        BinaryPrimitives.WriteInt64LittleEndian(input.AsSpan(text.Length), timer.DueAt.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(input.AsSpan(text.Length + 8), sequence);
        return CommandId.Of(timer.DueAt, SHA256.HashData(input));
    }

    // What was stored before the host started is on the steady clock's axis, unless the wall clock was set back since.
    private DateTimeOffset SetAt(DurableTimer timer, EngineInstant now)
    {
        if (memory.Recovered)
        {
            return now.Wall;
        }

        foreach (var noted in _noted)
        {
            if (noted.Timer == timer && noted.At > now.Steady)
            {
                return noted.At;
            }
        }

        return now.Steady;
    }

    private int IndexOf(DurableTimer timer)
    {
        for (var i = 0; i < _armed.Length; i++)
        {
            if (_armed[i].Timer == timer)
            {
                return i;
            }
        }

        return -1;
    }
}
