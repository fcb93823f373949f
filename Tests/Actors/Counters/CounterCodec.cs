using System.Globalization;
using System.Text;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Tests.Actors.Counters;

/// <summary>Stores counters as text with <c>;</c> between the fields.</summary>
internal sealed class CounterCodec : IEntityCodec<CounterState, CounterEvent>
{
    public int SnapshotVersion { get; init; } = 1;

    public EncodedEvent Encode(CounterEvent @event) => @event switch
    {
        CounterEvent.Added added => Text("counter.added.v1", added.Amount.ToString(CultureInfo.InvariantCulture)),
        CounterEvent.WorkStarted started => Text("counter.work-started.v1", started.Name),
        CounterEvent.WorkDone done => Text("counter.work-done.v1", done.Name),
        CounterEvent.TimerSet set => Text("counter.timer-set.v1", $"{set.DueAt.UtcTicks};{set.Name}"),
        CounterEvent.TimerFired fired => Text("counter.timer-fired.v1", fired.Name),
        CounterEvent.Jinx => Text("counter.jinx.v1", ""),
        CounterEvent.Impossible => Text("counter.impossible.v1", ""),
        _ => throw new InvalidOperationException($"Unknown event {@event}."),
    };

    public CounterEvent Decode(string name, ReadOnlySpan<byte> payload)
    {
        var text = Encoding.UTF8.GetString(payload);
        return name switch
        {
            "counter.added.v1" => new CounterEvent.Added(long.Parse(text, CultureInfo.InvariantCulture)),
            "counter.work-started.v1" => new CounterEvent.WorkStarted(text),
            "counter.work-done.v1" => new CounterEvent.WorkDone(text),
            "counter.timer-set.v1" => new CounterEvent.TimerSet(
                text[(text.IndexOf(';') + 1)..], Time(text.Split(';')[0])),
            "counter.timer-fired.v1" => new CounterEvent.TimerFired(text),
            "counter.jinx.v1" => new CounterEvent.Jinx(),
            "counter.impossible.v1" => new CounterEvent.Impossible(),
            _ => throw new UnreadableEventException($"The event {name} is not known."),
        };
    }

    public byte[] EncodeState(CounterState state)
    {
        var lines = new List<string> { $"{state.Total};{state.Fired}" };
        lines.AddRange(state.Work.Select(name => $"w;{name}"));
        lines.AddRange(state.Timers.Select(timer => $"t;{timer.Value.UtcTicks};{timer.Key}"));
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    public CounterState DecodeState(ReadOnlySpan<byte> payload)
    {
        var lines = Encoding.UTF8.GetString(payload).Split('\n');
        var numbers = lines[0].Split(';');
        if (numbers.Length != 2)
        {
            throw new UnreadableEventException($"The snapshot begins with {lines[0]}, not with two numbers.");
        }

        var state = Counter.Initial with
        {
            Total = long.Parse(numbers[0], CultureInfo.InvariantCulture),
            Fired = int.Parse(numbers[1], CultureInfo.InvariantCulture),
        };
        foreach (var fields in lines.Skip(1).Select(line => line.Split(';')))
        {
            state = fields[0] == "w"
                ? state with { Work = state.Work.Add(fields[1]) }
                : state with { Timers = state.Timers.SetItem(fields[2], Time(fields[1])) };
        }

        return state;
    }

    private static EncodedEvent Text(string name, string payload) => new(name, Encoding.UTF8.GetBytes(payload));

    private static DateTimeOffset Time(string ticks) =>
        new(long.Parse(ticks, CultureInfo.InvariantCulture), TimeSpan.Zero);
}
