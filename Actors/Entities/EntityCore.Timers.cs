using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <content>
/// Durable timers. They are a function of the state, so nothing is stored for them but the wake mark. A due timer
/// becomes a command; if the state still holds the same timer afterwards, the command changed nothing, and it is tried
/// again after <see cref="EntityCoreOptions.TimerRetry"/> rather than at once for ever.
/// <para>
/// A state says in wall time when a timer is due. How long that is from now is worked out once, when the timer is first
/// seen, and from then on measured by the steady clock, so that a wall clock that is set back delays nothing and one
/// that is set ahead hurries nothing (I26). Only what the host finds in the journal when it starts is taken by the wall
/// clock's word; and even then no timer is further away than it was when the last event was decided.
/// </para>
/// </content>
public sealed partial class EntityCore<TAggregate, TState, TCommand, TEvent>
{
    private const string EngineActor = "engine";

    private ImmutableArray<ArmedTimer> _armed;
    private ImmutableArray<(DurableTimer Timer, DateTimeOffset At)> _noted = [];
    private DateTimeOffset? _wakeAt;
    private DateTimeOffset _decidedAt = DateTimeOffset.MinValue;

    private void Arm(ImmutableArray<ArmedTimer> timers)
    {
        _armed = timers;
        _memory.Timers = timers;
    }

    private void Hold(DurableTimer timer)
    {
        var index = IndexOf(timer);
        if (index >= 0)
        {
            Arm(_armed.SetItem(index, new ArmedTimer(timer, _now.Steady + _options.TimerRetry)));
        }
    }

    /// <summary>Turns due timers into commands until one needs the journal, then asks to be woken for the
    /// next.</summary>
    private void SettleTimers()
    {
        while (Phase == EntityPhase.Ready && _work is null)
        {
            var next = NextTimer();
            if (next is null || next.Due > _now.Steady)
            {
                Wake(next?.Due);
                return;
            }

            var command = TAggregate.TimerDue(next.Timer.Name, next.Timer.DueAt);
            _work = new Work(
                new CommandEnvelope<TCommand>(TimerCommandId(next.Timer), EngineActor, command), next.Timer);
            Decide(_work);
        }
    }

    private void Wake(DateTimeOffset? due)
    {
        if (due != _wakeAt)
        {
            _wakeAt = due;
            _outputs.Add(new CoreOutput.WakeAt(due));
        }
    }

    /// <summary>The timer due first; among equals the first by name, so that the order is always the same.</summary>
    private ArmedTimer? NextTimer()
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

    /// <summary>Timers of a state, those seen before with their old alarms.</summary>
    /// <param name="timers">The timers.</param>
    /// <param name="recovered">Whether the state comes from the journal.</param>
    private ImmutableArray<ArmedTimer> Armed(ImmutableArray<DurableTimer> timers, bool recovered)
    {
        if (timers.IsEmpty)
        {
            return [];
        }

        var armed = new ArmedTimer[timers.Length];
        for (var i = 0; i < armed.Length; i++)
        {
            var timer = timers[i];
            var known = IndexOf(timer);
            armed[i] = known >= 0 ? _armed[known] : new ArmedTimer(
                timer, _now.Steady + (timer.DueAt - (recovered ? RecoveredAt(timer) : _now.Wall)));
        }

        return ImmutableCollectionsMarshal.AsImmutableArray(armed);
    }

    /// <summary>
    /// For timers that come from the journal: what was stored before the host started is on the steady clock's axis,
    /// unless the wall clock was set back since.
    /// </summary>
    private DateTimeOffset RecoveredAt(DurableTimer timer)
    {
        if (_memory.Recovered)
        {
            return _now.Wall;
        }

        foreach (var noted in _noted)
        {
            if (noted.Timer == timer && noted.At > _now.Steady)
            {
                return noted.At;
            }
        }

        return _now.Steady;
    }

    /// <summary>
    /// Notes how far the wall clock had come, at most, since each timer was set: a timer that a clock set which was
    /// ahead is measured by that clock, also when it was put right before the next event.
    /// </summary>
    private void NoteTimers(DateTimeOffset at)
    {
        var timers = TAggregate.Timers(State);
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

    private static DateTimeOffset? EarliestDue(ImmutableArray<ArmedTimer> timers)
    {
        DateTimeOffset? earliest = null;
        foreach (var armed in timers)
        {
            if (earliest is null || armed.Timer.DueAt < earliest)
            {
                earliest = armed.Timer.DueAt;
            }
        }

        return earliest;
    }

    /// <summary>
    /// The same for the same timer in the same state, so that a command whose outcome was unknown is recognised;
    /// another one after any further event, so that a timer armed again under the same name and time is not taken for
    /// it.
    /// </summary>
    private CommandId TimerCommandId(DurableTimer timer)
    {
        var text = Encoding.UTF8.GetBytes($"{_id}|{timer.Name}");
        var input = new byte[text.Length + 16];
        text.CopyTo(input, 0);
        BinaryPrimitives.WriteInt64LittleEndian(input.AsSpan(text.Length), timer.DueAt.UtcTicks);
        BinaryPrimitives.WriteInt64LittleEndian(input.AsSpan(text.Length + 8), Head.Sequence);
        return CommandId.Of(timer.DueAt, SHA256.HashData(input));
    }
}
