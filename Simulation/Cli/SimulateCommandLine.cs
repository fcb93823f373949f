using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.CommandLine.Parsing;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Planner.Cli;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>The command line of <c>drctl simulate</c>.</summary>
internal static class SimulateCommandLine
{
    /// <summary>Runs one command line; 0 all went well, 1 something was found broken, 2 bad usage.</summary>
    public static async Task<int> InvokeAsync(
        string[] arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var simulate = new Command(
            "simulate", "Answers what an outage would mean (outage, whatif, scenarios, schema), and tries the engine's "
            + "own parts in a world of failing processes, links and disks (run, replay). Exit codes: 0 done and all "
            + "held, 1 something did not or could not be written, 2 bad usage.");
        foreach (var command in OutageCommands.All().Append(Run(output, error)).Append(Replay(output, error)))
        {
            simulate.Subcommands.Add(command);
        }

        // Usage lines name the command as it is typed.
        var root = new Command("drctl") { simulate };
        root.Options.Add(new HelpOption { Recursive = true });
        var parsed = root.Parse(
            ["simulate", .. arguments], new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction or null)
        {
            error.WriteLine(Reason(parsed));
            return 2;
        }

        return await parsed.InvokeAsync(
            new InvocationConfiguration { Output = output, Error = error }, cancellationToken);
    }

    private static string Reason(ParseResult parsed)
    {
        if (parsed.CommandResult.Command.Name != "simulate")
        {
            var reason = parsed.Errors.Count > 0 ? parsed.Errors[0].Message.TrimEnd('.') : "That is not complete";
            return $"{reason}; see `drctl simulate {parsed.CommandResult.Command.Name} --help`.";
        }

        return parsed.UnmatchedTokens is [var first, ..]
            ? $"'{first}' is not a command of drctl simulate; see `drctl simulate --help`."
            : "No command was given; see `drctl simulate --help`.";
    }

    private static Command Run(TextWriter output, TextWriter error)
    {
        var seed = new Option<ulong>("--seed") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
        var seeds = new Option<int>("--seeds") { Description = "How many seeds.", DefaultValueFactory = _ => 1 };
        seeds.Validators.Add(result => Least(result, result.GetValueOrDefault<int>(), 1));
        var hours = new Option<double>("--hours")
        {
            Description = "Virtual hours of faults, before everything is healed.",
            DefaultValueFactory = _ => 2,
        };
        hours.Validators.Add(result => Least(result, result.GetValueOrDefault<double>(), 0));
        var vms = new Option<int>("--vms") { Description = "VMs; 0 lets the seed choose." };
        vms.Validators.Add(result => Least(result, result.GetValueOrDefault<int>(), 0));
        var json = new Option<bool>("--json") { Description = "One JSON object instead of lines." };
        var shrink = new Option<bool>("--shrink") { Description = "Shrink the first failure into a file." };
        var sometimes = new Option<bool>("--sometimes") { Description = "Print what was reached under which fault." };
        var notes = new Option<int>("--notes") { Description = "Print so many of the last notes of a failure." };
        notes.Validators.Add(result => Least(result, result.GetValueOrDefault<int>(), 0));
        var with = new Option<SimFeatures[]>("--with")
        {
            Description = "Tries or demands what not every seed does: Prompt (nothing at the target waits for the "
                + "source) or Hosts (machines put back, restored and cloned; disks replaced and resized).",
        };
        var command = new Command("run", "Runs seeds")
        {
            seed, seeds, hours, vms, json, shrink, sometimes, notes, with,
        };
        command.SetAction(parsed => SimulationRun.Go(
            new RunOptions(
                parsed.GetValue(seed), parsed.GetValue(seeds), parsed.GetValue(hours), parsed.GetValue(vms))
            {
                With = (parsed.GetValue(with) ?? []).Aggregate(SimFeatures.None, (all, one) => all | one),
                Json = parsed.GetValue(json),
                Shrink = parsed.GetValue(shrink),
                Sometimes = parsed.GetValue(sometimes),
                Notes = parsed.GetValue(notes),
            },
            output, error));
        return command;
    }

    private static void Least(OptionResult result, double value, double least)
    {
        if (value < least)
        {
            result.AddError(FormattableString.Invariant(
                $"{result.Option.Name} {value} is not possible; write {least} or more"));
        }
    }

    private static Command Replay(TextWriter output, TextWriter error)
    {
        var file = new Argument<string>("FILE") { Description = "An event file that --shrink wrote." };
        var notes = new Option<int>("--notes") { Description = "Print so many of the last notes." };
        var command = new Command("replay", "Runs an event file again") { file, notes };
        command.SetAction(parsed =>
            SimulationRun.Replay(parsed.GetValue(file)!, parsed.GetValue(notes), output, error));
        return command;
    }
}
