using ReplicationEngine.Chaos.Cli;

return await ChaosCommandLine.InvokeAsync(args, Console.Out, Console.Error, CancellationToken.None);
