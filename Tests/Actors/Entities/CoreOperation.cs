using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

/// <summary>One thing that happens to an entity's core and to its model; afterwards the two are compared.</summary>
internal sealed class CoreOperation(
    string what, Func<CoreModel, CoreModel> run, Func<CoreDriver, string?> act)
    : Operation<CoreDriver, CoreModel>
{
    private const int FirstOther = 1_000;

    private static readonly PersistFault[] Faults =
    [
        PersistFault.None, PersistFault.None, PersistFault.UnknownAndLost, PersistFault.UnknownButWritten,
        PersistFault.Overtaken, PersistFault.Full, PersistFault.KilledAfterWrite,
    ];

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static Gen<Operation<CoreDriver, CoreModel>> Any { get; } =
        from pick in Gen.Choose(0, 12)
        from number in Gen.Choose(0, 9)
        from first in Gen.Elements(Faults)
        from second in Gen.Elements(Faults)
        select (Operation<CoreDriver, CoreModel>)Of(pick, number, [first, second]);

    public override CoreModel Run(CoreModel model) => run(model with { Answer = null });

    public override Property Check(CoreDriver driver, CoreModel model)
    {
        var answer = act(driver);
        var wrong = answer == model.Answer ? Compare(driver, model)
            : $"the answer is {model.Answer ?? "none"}, not {answer ?? "none"}";
        return (wrong is null).Label($"{what}: then {wrong}");
    }

    public override string ToString() => "when " + what;

    private static CoreOperation Of(int pick, int number, PersistFault[] faults) => pick switch
    {
        < 4 => Submit(number, faults),
        4 => Restart(),
        5 => Begin($"work-{number % 3}"),
        6 => End($"work-{number % 3}"),
        7 => SetTimer($"timer-{number % 3}", number * 3),
        8 => Pass(number * 4),
        9 => Foreign(number + 1),
        10 => Passivate(),
        11 => Explode(),
        _ => Damage(number % 2 == 0),
    };

    private static CoreOperation Submit(int number, PersistFault[] faults) => new(
        $"command {number} is delivered, and persists meet {string.Join(", ", faults)}",
        model => model.Submit(number, faults),
        driver =>
        {
            driver.Faults.Clear();

            // What was accepted is not stored again, whatever would meet a persist: it is sent without faults.
            if (!driver.Stream.Any(stored => stored.CommandId == CoreDriver.Command(number)))
            {
                Array.ForEach(faults, driver.Faults.Enqueue);
            }

            var (amount, events) = CoreModel.EffectOf(number);
            var reply = driver.Submit(
                number, events == 2 ? new CounterCommand.AddTwice(amount) : new CounterCommand.Add(amount));
            driver.Faults.Clear();
            return Text(reply);
        });

    private static CoreOperation Restart() => new(
        "the process dies and another starts", model => model.Pass(0), driver =>
        {
            driver.Restart();
            return null;
        });

    private static CoreOperation Begin(string name) => new(
        $"{name} is asked for",
        model => model with { Work = model.Work.Add(name), Events = model.Events + 1 },
        driver => Other(driver, new CounterCommand.StartWork(name)));

    // An answer may come late, twice, or to something never asked for.
    private static CoreOperation End(string name) => new(
        $"the answer to {name} comes",
        model => model with
        {
            Work = model.Work.Remove(name),
            Events = model.Events + (model.Work.Contains(name) ? 1 : 0),
        },
        driver => Other(driver, new CounterCommand.RecordWorkDone(name)));

    private static CoreOperation SetTimer(string name, int minutes) => new(
        $"{name} is set to {minutes} minutes from now",
        model => (model with
        {
            Timers = model.Timers.SetItem(name, model.Minutes + minutes),
            Events = model.Events + 1,
        }).Pass(0),
        driver => Other(driver, new CounterCommand.SetTimer(name, driver.Now.AddMinutes(minutes))));

    private static CoreOperation Pass(int minutes) => new(
        $"{minutes} minutes pass", model => model.Pass(minutes), driver =>
        {
            driver.Advance(TimeSpan.FromMinutes(minutes));
            return null;
        });

    private static CoreOperation Foreign(int amount) => new(
        $"another writer adds {amount}, and the process dies and another starts",
        model => (model with { Total = model.Total + amount, Events = model.Events + 1 }).Pass(0),
        driver =>
        {
            driver.AppendForeign(new CounterEvent.Added(amount));
            driver.Restart();
            return null;
        });

    private static CoreOperation Passivate() => new(
        "nobody needs it for a while, and then somebody does",
        model => model with { Answer = model.Work.IsEmpty ? "passivated" : "busy" },
        driver =>
        {
            var passivated = driver.Passivate();
            if (passivated)
            {
                driver.Start();
            }

            return passivated ? "passivated" : "busy";
        });

    private static CoreOperation Explode() => new(
        "it meets an exception",
        model => model with { Answer = "unavailable EntityFailed" },
        driver => Other(driver, new CounterCommand.Explode()));

    private static CoreOperation Damage(bool isFound) => new(
        isFound ? "the snapshot, if any, is not what was stored" : "the snapshot, if any, cannot be read",
        model => model,
        driver =>
        {
            if (isFound)
            {
                driver.Journal.FlipSnapshotBit();
            }
            else
            {
                driver.Journal.SnapshotDamage = "is damaged";
            }

            return null;
        });

    private static string? Other(CoreDriver driver, CounterCommand command)
    {
        var reply = driver.Submit(FirstOther + driver.Outputs.Count, command);
        return reply is CommandReply.Accepted ? null : Text(reply);
    }

    private static string? Text(CommandReply? reply) => reply switch
    {
        null => null,
        CommandReply.Accepted accepted => $"accepted {accepted.Sequence}",
        CommandReply.Unavailable unavailable => $"unavailable {unavailable.Reason}",
        _ => reply.ToString(),
    };

    private static string? Compare(CoreDriver driver, CoreModel model)
    {
        var state = driver.Core.State;
        var timers = model.Timers.Select(timer => (timer.Key, Start.AddMinutes(timer.Value)));
        return driver.Stream.Count != model.Events ? $"the stream has {driver.Stream.Count} events, not {model.Events}"
            : driver.Core.Head.Sequence != model.Events ? $"the core is at event {driver.Core.Head.Sequence}"
            : state.Total != model.Total ? $"the total is {state.Total}, not {model.Total}"
            : state.Fired != model.Fired ? $"{state.Fired} timers have fired, not {model.Fired}"
            : !state.Work.SequenceEqual(model.Work) ? $"the work is [{string.Join(", ", state.Work)}]"
            : !state.Timers.Select(timer => (timer.Key, timer.Value)).SequenceEqual(timers) ? "the timers are others"
            : !Running(driver).SequenceEqual(model.Work) ? $"[{string.Join(", ", Running(driver))}] is being done"
            : null;
    }

    private static IEnumerable<string> Running(CoreDriver driver) =>
        driver.Running.Select(effect => ((DoWork)effect).Name).Order(StringComparer.Ordinal);
}
