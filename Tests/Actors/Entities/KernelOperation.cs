using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.Actors.Counters;

namespace ReplicationEngine.Tests.Actors.Entities;

/// <summary>One thing that happens to a kernel and to its model; afterwards the two are compared.</summary>
internal sealed class KernelOperation(
    string what, Func<KernelModel, KernelModel> run, Func<KernelDriver, string?> act)
    : Operation<KernelDriver, KernelModel>
{
    private const int FirstOther = 1_000;

    private static readonly AppendFault[] Faults =
    [
        AppendFault.None, AppendFault.None, AppendFault.UnknownAndLost, AppendFault.UnknownButWritten,
        AppendFault.Overtaken, AppendFault.Full, AppendFault.KilledAfterWrite,
    ];

    private static readonly DateTimeOffset Start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private static int s_other = FirstOther;

    public static Gen<Operation<KernelDriver, KernelModel>> Any { get; } =
        from pick in Gen.Choose(0, 9)
        from number in Gen.Choose(0, 9)
        from first in Gen.Elements(Faults)
        from second in Gen.Elements(Faults)
        select (Operation<KernelDriver, KernelModel>)Of(pick, number, [first, second]);

    public override KernelModel Run(KernelModel model) => run(model with { Answer = null });

    public override Property Check(KernelDriver driver, KernelModel model)
    {
        var before = driver.Outputs.Count;
        var answer = act(driver);
        var wrong = answer == model.Answer ? Compare(driver, model, before)
            : $"the answer is {model.Answer ?? "none"}, not {answer ?? "none"}";
        return (wrong is null).Label($"{what}: then {wrong}");
    }

    public override string ToString() => "when " + what;

    private static KernelOperation Of(int pick, int number, AppendFault[] faults) => pick switch
    {
        < 4 => Submit(number, faults),
        4 => Restart(),
        5 => Begin($"work-{number % 3}"),
        6 => End($"work-{number % 3}"),
        7 => SetTimer($"timer-{number % 3}", number * 3),
        8 => Pass(number * 4),
        _ => Foreign(number + 1),
    };

    private static KernelOperation Submit(int number, AppendFault[] faults) => new(
        $"command {number} is delivered, and appends meet {string.Join(", ", faults)}",
        model => model.Submit(number, faults),
        driver =>
        {
            driver.Faults.Clear();

            // What was accepted is not decided again, whatever would meet an append: it is sent without faults.
            if (!driver.Stream.Any(stored => stored.CommandId == KernelDriver.Command(number)))
            {
                Array.ForEach(faults, driver.Faults.Enqueue);
            }

            var (amount, events) = KernelModel.EffectOf(number);
            var reply = driver.Submit(
                number, events == 2 ? new CounterCommand.AddTwice(amount) : new CounterCommand.Add(amount));
            driver.Faults.Clear();
            return Text(reply);
        });

    private static KernelOperation Restart() => new(
        "the process dies and another starts", model => model.Pass(0), driver =>
        {
            driver.Restart();
            return null;
        });

    private static KernelOperation Begin(string name) => new(
        $"{name} is asked for",
        model => model with { Work = model.Work.Add(name), Events = model.Events + 1 },
        driver => Other(driver, new CounterCommand.StartWork(name)));

    // An answer may come late, twice, or to something never asked for.
    private static KernelOperation End(string name) => new(
        $"the answer to {name} comes",
        model => model with
        {
            Work = model.Work.Remove(name),
            Events = model.Events + (model.Work.Contains(name) ? 1 : 0),
        },
        driver => Other(driver, new CounterCommand.RecordWorkDone(name)));

    private static KernelOperation SetTimer(string name, int minutes) => new(
        $"{name} is set to {minutes} minutes from now",
        model => (model with
        {
            Timers = model.Timers.SetItem(name, model.Minutes + minutes),
            Events = model.Events + 1,
        }).Pass(0),
        driver => Other(driver, new CounterCommand.SetTimer(name, driver.Now.AddMinutes(minutes))));

    private static KernelOperation Pass(int minutes) => new(
        $"{minutes} minutes pass", model => model.Pass(minutes), driver =>
        {
            driver.Advance(TimeSpan.FromMinutes(minutes));
            return null;
        });

    // The kernel learns of it when it appends next; the model's comparison reads the stream itself.
    private static KernelOperation Foreign(int amount) => new(
        $"another writer adds {amount}, and the process dies and another starts",
        model => (model with { Total = model.Total + amount, Events = model.Events + 1 }).Pass(0),
        driver =>
        {
            driver.AppendForeign(amount);
            driver.Restart();
            return null;
        });

    private static string? Other(KernelDriver driver, CounterCommand command)
    {
        var reply = driver.Submit(++s_other, command);
        return reply is CommandReply.Accepted ? null : Text(reply);
    }

    private static string? Text(CommandReply? reply) => reply switch
    {
        null => null,
        CommandReply.Accepted accepted => $"accepted {accepted.Sequence}",
        CommandReply.Unavailable unavailable => $"unavailable {unavailable.Reason}",
        _ => reply.ToString(),
    };

    private static string? Compare(KernelDriver driver, KernelModel model, int before)
    {
        var state = driver.Kernel.State;
        var timers = model.Timers.Select(timer => (timer.Key, Start.AddMinutes(timer.Value)));
        return driver.Stream.Count != model.Events ? $"the stream has {driver.Stream.Count} events, not {model.Events}"
            : driver.Kernel.Head.Sequence != model.Events ? $"the kernel is at event {driver.Kernel.Head.Sequence}"
            : state.Total != model.Total ? $"the total is {state.Total}, not {model.Total}"
            : state.Fired != model.Fired ? $"{state.Fired} timers have fired, not {model.Fired}"
            : !state.Work.SequenceEqual(model.Work) ? $"the work is [{string.Join(", ", state.Work)}]"
            : !state.Timers.Select(timer => (timer.Key, timer.Value)).SequenceEqual(timers) ? "the timers are others"
            : Restarted(driver, before) && !Dispatched(driver, before).SetEquals(model.Work)
                ? $"after the start [{string.Join(", ", Dispatched(driver, before))}] was asked for again"
            : null;
    }

    private static bool Restarted(KernelDriver driver, int before) =>
        driver.Outputs.Skip(before).FirstOrDefault() is EntityOutput.ReadSnapshot;

    private static HashSet<string> Dispatched(KernelDriver driver, int before) =>
        [.. driver.Outputs.Skip(before).OfType<EntityOutput.Dispatch>().Select(told => ((DoWork)told.Effect).Name)];
}
