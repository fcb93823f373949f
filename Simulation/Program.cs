using ReplicationEngine.Simulation.Cli;

return await SimulateCommandLine.InvokeAsync(args, Console.Out, Console.Error, CancellationToken.None);
