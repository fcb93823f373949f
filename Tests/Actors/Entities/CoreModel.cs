using System.Collections.Immutable;

namespace ReplicationEngine.Tests.Actors.Entities;

/// <summary>What a counter must be after what was done to it, and what the last command must be answered.</summary>
internal sealed record CoreModel
{
    public static CoreModel Empty { get; } = new();

    public long Total { get; init; }

    public int Fired { get; init; }

    public ImmutableSortedSet<string> Work { get; init; } = [];

    public ImmutableSortedDictionary<string, int> Timers { get; init; } =
        ImmutableSortedDictionary.Create<string, int>(StringComparer.Ordinal);

    /// <summary>Minutes since the start.</summary>
    public int Minutes { get; init; }

    /// <summary>How many events the stream holds.</summary>
    public long Events { get; init; }

    /// <summary>The last event of each command that was accepted.</summary>
    public ImmutableDictionary<int, long> Accepted { get; init; } = ImmutableDictionary<int, long>.Empty;

    /// <summary>What the last command must be answered; null when the process dies over it.</summary>
    public string? Answer { get; init; }

    /// <summary>The amount and the number of events that a command adds; the same for the same number.</summary>
    public static (int Amount, int Events) EffectOf(int command) => (command + 1, command % 3 == 0 ? 2 : 1);

    /// <inheritdoc/>
    public override string ToString() => $"{Events} events, total {Total}";

    /// <summary>A command arrives; each of the faults meets one append.</summary>
    public CoreModel Submit(int command, IEnumerable<PersistFault> faults)
    {
        if (Accepted.TryGetValue(command, out var last))
        {
            return this with { Answer = $"accepted {last}" };
        }

        var model = this;
        foreach (var fault in faults.Append(PersistFault.None))
        {
            switch (fault)
            {
                case PersistFault.UnknownAndLost:
                    continue;
                case PersistFault.Overtaken:
                    model = model with { Total = model.Total + 1, Events = model.Events + 1 };
                    continue;
                case PersistFault.Full:
                    return model with { Answer = "unavailable JournalFull" };
                default:
                    var (amount, events) = EffectOf(command);
                    model = model with
                    {
                        Total = model.Total + (amount * events),
                        Events = model.Events + events,
                        Accepted = model.Accepted.Add(command, model.Events + events),
                    };
                    return model with
                    {
                        Answer = fault == PersistFault.KilledAfterWrite ? null : $"accepted {model.Accepted[command]}",
                    };
            }
        }

        return model;
    }

    /// <summary>Time passes; timers that come due fire, each once.</summary>
    public CoreModel Pass(int minutes)
    {
        var now = Minutes + minutes;
        var due = Timers.Where(timer => timer.Value <= now).Select(timer => timer.Key).ToList();
        return this with
        {
            Minutes = now,
            Timers = Timers.RemoveRange(due),
            Fired = Fired + due.Count,
            Events = Events + due.Count,
        };
    }
}
