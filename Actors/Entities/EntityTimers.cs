using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <summary>
/// The durable timers of one entity and when each fires. Timers are a function of the state, so only the wake mark is
/// stored. Used by one core at a time; the alarms continue in the entity's memory.
/// </summary>
/// <remarks>
/// A state gives a timer's due time as wall time. The remaining time is computed once, when the timer is first seen,
/// and from then on measured by the steady clock. A wall clock that is set back therefore delays nothing, and one that
/// is set ahead hastens nothing (I26). Only timers found in the journal when the host starts depend on the wall clock;
/// even then no timer is further away than it was when the last event was decided.
/// </remarks>
internal sealed class EntityTimers(EntityMemory memory)
{
    private ImmutableArray<ArmedTimer> _armed = memory.Timers;
    private ImmutableArray<(DurableTimer Timer, DateTimeOffset At)> _noted = [];
    private DateTimeOffset? _wakeAt;

    /// <summary>
    /// Returns the timer that fires first; among equals, the first by name, so that the order is deterministic. Null
    /// when none is armed.
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

    /// <summary>
    /// Returns the alarms of a state's timers without arming them. Timers seen before keep their alarms.
    /// </summary>
    /// <param name="timers">The timers.</param>
    /// <param name="now">The current instant.</param>
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

    /// <summary>Delays a timer that fired without effect. Does nothing when the timer is no longer armed.</summary>
    public void Delay(DurableTimer timer, DateTimeOffset until)
    {
        var index = IndexOf(timer);
        if (index >= 0)
        {
            Arm(_armed.SetItem(index, new ArmedTimer(timer, until)));
        }
    }

    /// <summary>
    /// Records, while the stream is read, the latest wall time seen since each timer was set. A timer set by a clock
    /// that was ahead is measured by that clock, even when the clock was corrected before the next event.
    /// </summary>
    /// <param name="timers">The timers of the state so far.</param>
    /// <param name="at">When the last event of the state was decided (UTC).</param>
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

    /// <summary>
    /// Sets when the host must wake the entity. Returns whether the time differs from the one the host knows.
    /// </summary>
    public bool WakeAt(DateTimeOffset? due)
    {
        if (due == _wakeAt)
        {
            return false;
        }

        _wakeAt = due;
        return true;
    }

    /// <summary>Records that the host woke the entity and has no further wake time.</summary>
    public void Woken() => _wakeAt = null;

    /// <summary>Returns the earliest wall-clock due time of the given timers (UTC); null when there is none.</summary>
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
    /// Returns the command id of a due timer. The id is the same for the same timer in the same state, so a command
    /// with an unknown outcome is recognised. It differs after any further event, so a timer armed again under the same
    /// name and time is not mistaken for the earlier one.
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

    // Events stored before the host started are on the steady clock's axis, unless the wall clock was set back since.
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
