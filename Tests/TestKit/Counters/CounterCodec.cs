using System.Globalization;
using System.Text;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Tests.TestKit.Counters;

/// <summary>Stores counters as text with <c>;</c> between the fields.</summary>
internal sealed class CounterCodec : IEntityCodec<CounterState, CounterCommand, CounterEvent>
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

    public CounterEvent Decode(string name, ReadOnlyMemory<byte> payload)
    {
        var text = Encoding.UTF8.GetString(payload.Span);
        return name switch
        {
            "counter.added.v1" => new CounterEvent.Added(Number(text)),
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

    public EncodedCommand EncodeCommand(CounterCommand command) => command switch
    {
        CounterCommand.Add add => Command("counter.command.add.v1", $"{add.Amount}"),
        CounterCommand.AddTwice add => Command("counter.command.add-twice.v1", $"{add.Amount}"),
        CounterCommand.AddOnce add => Command("counter.command.add-once.v1", $"{add.Amount}"),
        CounterCommand.StartWork start => Command("counter.command.start-work.v1", start.Name),
        CounterCommand.RecordWorkDone done => Command("counter.command.record-work-done.v1", done.Name),
        CounterCommand.SetTimer set => Command("counter.command.set-timer.v1", $"{set.DueAt.UtcTicks};{set.Name}"),
        CounterCommand.RecordTimerDue due => Command("counter.command.record-timer-due.v1", due.Name),
        CounterCommand.Explode => Command("counter.command.explode.v1", ""),
        CounterCommand.Emit emit => Emitting(Encode(emit.Event)),
        _ => throw new InvalidOperationException($"Unknown command {command}."),
    };

    public CounterCommand DecodeCommand(string name, ReadOnlyMemory<byte> payload)
    {
        var text = Encoding.UTF8.GetString(payload.Span);
        var rest = text[(text.IndexOf(';') + 1)..];
        return name switch
        {
            "counter.command.add.v1" => new CounterCommand.Add(Number(text)),
            "counter.command.add-twice.v1" => new CounterCommand.AddTwice(Number(text)),
            "counter.command.add-once.v1" => new CounterCommand.AddOnce(Number(text)),
            "counter.command.start-work.v1" => new CounterCommand.StartWork(text),
            "counter.command.record-work-done.v1" => new CounterCommand.RecordWorkDone(text),
            "counter.command.set-timer.v1" => new CounterCommand.SetTimer(rest, Time(text.Split(';')[0])),
            "counter.command.record-timer-due.v1" => new CounterCommand.RecordTimerDue(text),
            "counter.command.explode.v1" => new CounterCommand.Explode(),
            "counter.command.emit.v1" => new CounterCommand.Emit(
                Decode(text.Split(';')[0], Encoding.UTF8.GetBytes(rest))),
            _ => throw new UnreadableEventException($"The command {name} is not known."),
        };
    }

    public byte[] EncodeState(CounterState state)
    {
        var lines = new List<string> { $"{state.Total};{state.Fired}" };
        lines.AddRange(state.Work.Select(name => $"w;{name}"));
        lines.AddRange(state.Timers.Select(timer => $"t;{timer.Value.UtcTicks};{timer.Key}"));
        return Encoding.UTF8.GetBytes(string.Join('\n', lines));
    }

    public CounterState DecodeState(ReadOnlyMemory<byte> payload)
    {
        var lines = Encoding.UTF8.GetString(payload.Span).Split('\n');
        var numbers = lines[0].Split(';');
        if (numbers.Length != 2)
        {
            throw new UnreadableEventException($"The snapshot begins with {lines[0]}, not with two numbers.");
        }

        var state = Counter.Initial with
        {
            Total = Number(numbers[0]),
            Fired = checked((int)Number(numbers[1])),
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

    private static EncodedCommand Command(string name, string payload) => new(name, Encoding.UTF8.GetBytes(payload));

    private static EncodedCommand Emitting(EncodedEvent emitted) =>
        Command("counter.command.emit.v1", $"{emitted.Name};{Encoding.UTF8.GetString(emitted.Payload)}");

    private static long Number(string text) =>
        long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number)
            ? number : throw new UnreadableEventException($"'{text}' is not a number.");

    private static DateTimeOffset Time(string ticks) => new(Number(ticks), TimeSpan.Zero);
}
