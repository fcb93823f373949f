using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Entities;

/// <content>
/// Durable timers. They are a function of the state, so nothing is stored for them but the wake mark. A due timer
/// becomes a command; if the state still holds the same timer afterwards, the command changed nothing, and it is tried
/// again after <see cref="EntityKernelOptions.TimerRetry"/> rather than at once for ever.
/// </content>
public sealed partial class EntityKernel<TAggregate, TState, TCommand, TEvent>
{
    private const string EngineActor = "engine";

    private ImmutableArray<DurableTimer> _timers = [];
    private ImmutableArray<HeldTimer> _held = [];
    private DateTimeOffset? _alarm;
    private bool _owesEffects;

    private void Owe(Owed owed)
    {
        _timers = owed.Timers;
        _owesEffects = owed.Effects;
        if (!_held.IsEmpty)
        {
            _held = _held.RemoveAll(held => !_timers.Contains(held.Timer));
        }
    }

    private void Hold(DurableTimer timer)
    {
        if (_timers.Contains(timer))
        {
            _held = _held.RemoveAll(held => held.Timer == timer).Add(new HeldTimer(timer, _now + _options.TimerRetry));
        }
    }

    /// <summary>Turns due timers into commands until one needs the journal, then sets the alarm for the next.</summary>
    private void SettleTimers()
    {
        while (Phase == EntityPhase.Ready && _work is null)
        {
            var next = NextTimer();
            if (next is null || DueOf(next) > _now)
            {
                Arm(next is null ? null : DueOf(next));
                return;
            }

            var command = TAggregate.TimerDue(next.Name, next.DueAt);
            _work = new Work(new CommandEnvelope<TCommand>(TimerCommandId(next), EngineActor, command), next);
            Decide(_work);
        }
    }

    private void Arm(DateTimeOffset? due)
    {
        if (due != _alarm)
        {
            _alarm = due;
            _outputs.Add(new EntityOutput.SetAlarm(due));
        }
    }

    /// <summary>The timer due first; among equals the first by name, so that the order is always the same.</summary>
    private DurableTimer? NextTimer()
    {
        DurableTimer? next = null;
        foreach (var timer in _timers)
        {
            var order = next is null ? -1 : DueOf(timer).CompareTo(DueOf(next));
            if (order < 0 || (order == 0 && string.CompareOrdinal(timer.Name, next!.Name) < 0))
            {
                next = timer;
            }
        }

        return next;
    }

    private DateTimeOffset DueOf(DurableTimer timer)
    {
        foreach (var held in _held)
        {
            if (held.Timer == timer)
            {
                return held.Until;
            }
        }

        return timer.DueAt;
    }

    private static DateTimeOffset? EarliestDue(ImmutableArray<DurableTimer> timers)
    {
        DateTimeOffset? earliest = null;
        foreach (var timer in timers)
        {
            if (earliest is null || timer.DueAt < earliest)
            {
                earliest = timer.DueAt;
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
        return new CommandId(new Guid(SHA256.HashData(input).AsSpan(0, 16)));
    }

    private readonly record struct HeldTimer(DurableTimer Timer, DateTimeOffset Until);
}
