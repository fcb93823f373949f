using System.CommandLine;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The work of a client command.</summary>
internal delegate Task ClientWork(CommandRun run, CancellationToken cancellationToken);

/// <summary>Makes the commands of a client: shared options, and one place where failures become exit codes.</summary>
internal sealed class ClientCommands(ClientOptions options, CliSurroundings surroundings)
{
    /// <summary>Returns a command that reads and returns at once.</summary>
    public Command View(string name, string description, IEnumerable<Symbol> symbols, ClientWork work) =>
        Make(name, description, [.. symbols, options.Server, options.TokenFile, options.Json], work);

    /// <summary>Returns a command that reads one VM and returns at once.</summary>
    public Command ViewOfVm(string name, string description, IEnumerable<Symbol> symbols, ClientWork work) =>
        View(name, description, [options.Vm, .. symbols], work);

    /// <summary>Returns a command that starts work on a VM and may wait for its end.</summary>
    public Command Operation(string name, string description, IEnumerable<Symbol> symbols, ClientWork work) =>
        Make(
            name, description,
            [options.Vm, .. symbols, options.NoWait, options.Server, options.TokenFile, options.Json], work);

    private Command Make(string name, string description, IEnumerable<Symbol> symbols, ClientWork work)
    {
        var command = new Command(name, description);
        foreach (var symbol in symbols)
        {
            if (symbol is Argument argument)
            {
                command.Arguments.Add(argument);
            }
            else
            {
                command.Options.Add((Option)symbol);
            }
        }

        command.SetAction((parsed, cancellationToken) => RunAsync(parsed, work, cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(ParseResult parsed, ClientWork work, CancellationToken cancellationToken)
    {
        JobStarted? started = null;
        try
        {
            using var run = new CommandRun(parsed, options, surroundings);
            try
            {
                await work(run, cancellationToken);
                return ExitCodes.Done;
            }
            finally
            {
                started = run.Started;
            }
        }
        catch (CommandFailedException e)
        {
            surroundings.Error.WriteLine(Readable.Plain(started is not null && e.MayPass
                ? $"{e.Message} The service accepted the {started.Operation} of {started.Vm} as job {started.JobId}, "
                  + $"which continues when the service runs; watch it with `drctl jobs {started.Vm}`."
                : e.Message));
            return e.ExitCode;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            surroundings.Error.WriteLine(started is null
                ? "Interrupted."
                : $"Interrupted; the {started.Operation} of {started.Vm} continues as job {started.JobId}. "
                  + $"Watch it with `drctl status {started.Vm}` or `drctl jobs {started.Vm}`.");
            return ExitCodes.Interrupted;
        }
    }
}
