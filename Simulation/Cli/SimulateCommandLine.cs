using System.CommandLine;
using ReplicationEngine.Simulation.Outages;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>The command line of <c>drctl simulate</c>.</summary>
internal static class SimulateCommandLine
{
    /// <summary>Runs one command line; 0 all went well, 1 something was found broken, 2 bad usage.</summary>
    public static async Task<int> InvokeAsync(
        string[] arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var root = new RootCommand(
            "Runs the engine's own parts in a simulated world of failing processes, links and disks, and checks what "
            + "must hold. Exit codes: 0 all held, 1 something did not, 2 bad usage.");
        root.Subcommands.Add(Run(output, error));
        root.Subcommands.Add(Replay(output, error));
        foreach (var command in OutageCommands.All())
        {
            root.Subcommands.Add(command);
        }

        var parsed = root.Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            error.WriteLine(parsed.Errors[0].Message);
            return 2;
        }

        return await parsed.InvokeAsync(
            new InvocationConfiguration { Output = output, Error = error }, cancellationToken);
    }

    private static Command Run(TextWriter output, TextWriter error)
    {
        var seed = new Option<ulong>("--seed") { Description = "The first seed.", DefaultValueFactory = _ => 1 };
        var seeds = new Option<int>("--seeds") { Description = "How many seeds.", DefaultValueFactory = _ => 1 };
        var hours = new Option<double>("--hours")
        {
            Description = "Virtual hours of faults, before everything is healed.",
            DefaultValueFactory = _ => 2,
        };
        var vms = new Option<int>("--vms") { Description = "VMs; 0 lets the seed choose." };
        var json = new Option<bool>("--json") { Description = "One JSON object instead of lines." };
        var shrink = new Option<bool>("--shrink") { Description = "Shrink the first failure into a file." };
        var sometimes = new Option<bool>("--sometimes") { Description = "Print what was reached under which fault." };
        var notes = new Option<int>("--notes") { Description = "Print so many of the last notes of a failure." };
        var command = new Command("run", "Runs seeds.") { seed, seeds, hours, vms, json, shrink, sometimes, notes };
        command.SetAction(parsed => SimulationRun.Go(
            new RunOptions(
                parsed.GetValue(seed), parsed.GetValue(seeds), parsed.GetValue(hours), parsed.GetValue(vms))
            {
                Json = parsed.GetValue(json),
                Shrink = parsed.GetValue(shrink),
                Sometimes = parsed.GetValue(sometimes),
                Notes = parsed.GetValue(notes),
            },
            output, error));
        return command;
    }

    private static Command Replay(TextWriter output, TextWriter error)
    {
        var file = new Argument<string>("FILE") { Description = "An event file that --shrink wrote." };
        var notes = new Option<int>("--notes") { Description = "Print so many of the last notes." };
        var command = new Command("replay", "Runs an event file again.") { file, notes };
        command.SetAction(parsed =>
            SimulationRun.Replay(parsed.GetValue(file)!, parsed.GetValue(notes), output, error));
        return command;
    }
}
