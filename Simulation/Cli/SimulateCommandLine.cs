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
    /// <summary>
    /// Runs one command line. Returns the exit code: 0 when it is done and all checks passed, 1 when a check failed or
    /// a file could not be written, 2 for wrong usage.
    /// </summary>
    public static async Task<int> InvokeAsync(
        string[] arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var simulate = new Command(
            "simulate", "Predict the effects of an outage (outage, whatif, scenarios, schema), and test the engine's "
            + "own parts in a simulated world of failures (run, replay). Exit codes: 0 done, all checks "
            + "passed; 1 a check failed or a file could not be written; 2 bad usage.");
        foreach (var command in OutageCommands.All().Append(Run(output, error)).Append(Replay(output, error)))
        {
            simulate.Subcommands.Add(command);
        }

        // Usage lines name the command as users type it.
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
            var reason = parsed.Errors.Count > 0 ? parsed.Errors[0].Message.TrimEnd('.') : "The command is incomplete";
            return $"{reason}; see `drctl simulate {parsed.CommandResult.Command.Name} --help`.";
        }

        return parsed.UnmatchedTokens is [var first, ..]
            ? $"'{first}' is not a command of drctl simulate; see `drctl simulate --help`."
            : "No command was given; see `drctl simulate --help`.";
    }

    private static Command Run(TextWriter output, TextWriter error)
    {
        var seed = new Option<ulong>("--seed") { Description = "The first seed", DefaultValueFactory = _ => 1 };
        var seeds = new Option<int>("--seeds")
        {
            Description = "The number of seeds to run",
            DefaultValueFactory = _ => 1,
        };
        seeds.Validators.Add(result => Least(result, result.GetValueOrDefault<int>(), 1));
        var hours = new Option<double>("--hours")
        {
            Description = "The virtual hours of faults, before everything is repaired",
            DefaultValueFactory = _ => 2,
        };
        hours.Validators.Add(result => Least(result, result.GetValueOrDefault<double>(), 0));
        var vms = new Option<int>("--vms") { Description = "The number of VMs (default: 0, the seed decides)" };
        vms.Validators.Add(result => Least(result, result.GetValueOrDefault<int>(), 0));
        var json = new Option<bool>("--json") { Description = "Print one JSON object instead of lines" };
        var shrink = new Option<bool>("--shrink")
        {
            Description = "Reduce the first failure to few events and write it to a file",
        };
        var sometimes = new Option<bool>("--sometimes")
        {
            Description = "Print which events and states each fault reached",
        };
        var notes = new Option<int>("--notes") { Description = "Print this many of the last notes of a failure" };
        notes.Validators.Add(result => Least(result, result.GetValueOrDefault<int>(), 0));
        var with = new Option<SimFeatures[]>("--with")
        {
            Description = "Enable a feature that not every seed has: Prompt (nothing at the target waits for the "
                + "source) or Hosts (machines reverted, restored and cloned; disks replaced and resized)",
        };
        var command = new Command("run", "Run seeds in the simulated world and check the invariants")
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
                $"{result.Option.Name} {value} is out of range; write {least} or more"));
        }
    }

    private static Command Replay(TextWriter output, TextWriter error)
    {
        var file = new Argument<string>("FILE") { Description = "An event file that --shrink has written" };
        var notes = new Option<int>("--notes") { Description = "Print this many of the last notes" };
        var command = new Command("replay", "Replay an event file that --shrink has written") { file, notes };
        command.SetAction(parsed =>
            SimulationRun.Replay(parsed.GetValue(file)!, parsed.GetValue(notes), output, error));
        return command;
    }
}
