using System.CommandLine;
using ReplicationEngine.Simulation.Outages;

var root = new RootCommand("Runs the engine's own parts in simulated surroundings.");
foreach (var command in OutageCommands.All())
{
    root.Subcommands.Add(command);
}

return await root.Parse(args).InvokeAsync();
