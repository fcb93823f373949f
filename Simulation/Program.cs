using System.CommandLine;

var root = new RootCommand("Runs the engine's own parts in simulated surroundings.");
return await root.Parse(args).InvokeAsync();
