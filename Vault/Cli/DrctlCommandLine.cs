using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// The command line of drctl. All commands but <c>serve</c>, <c>agent</c>, <c>journal</c>, <c>replica</c> and
/// <c>recover</c> are clients of the service's HTTP API. stdout carries the result and nothing else; progress, warnings
/// and reasons go to stderr; exit codes are those of <see cref="ExitCodes"/>.
/// </summary>
internal sealed class DrctlCommandLine
{
    // A service that is stopped first ends its connections and syncs its stores.
    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(30);
    private readonly RootCommand _root;
    private readonly CliSurroundings _surroundings;

    private DrctlCommandLine(RootCommand root, CliSurroundings surroundings) =>
        (_root, _surroundings) = (root, surroundings);

    /// <summary>The command that contains all others.</summary>
    public RootCommand Root => _root;

    /// <summary>Builds the command line of the current process.</summary>
    /// <param name="serve">Runs the service.</param>
    /// <param name="agent">Runs the agent.</param>
    public static DrctlCommandLine Build(ServeHandler serve, AgentHandler agent) =>
        Build(serve, agent, CliSurroundings.OfProcess());

    /// <summary>Builds the command line in the given surroundings.</summary>
    public static DrctlCommandLine Build(ServeHandler serve, AgentHandler agent, CliSurroundings surroundings)
    {
        var options = new ClientOptions();
        var hosts = new HostCommands(options, surroundings);
        var commands = new ClientCommands(options, surroundings);
        var root = new RootCommand(
            "drctl protects the disks of machines: it replicates every write to a second site, keeps recovery points "
            + "there, and fails over and back");
        Command[] all =
        [
            hosts.Serve(serve), hosts.Agent(agent), ProtectCommand.Make(commands), UriCommand.Make(commands),
            .. ViewCommands.All(commands), .. ProjectionCommands.All(commands),
            .. FailoverCommands.All(commands), .. OperationCommands.All(commands),
            new JournalCommands(options, surroundings).Make(), new ReplicaCommands(options, surroundings).Make(),
            new RecoverCommand(options, surroundings).Make(),
        ];
        foreach (var command in all.Concat(SiblingPrograms.Commands.Select(c => new Command(c.Command, c.Description))))
        {
            root.Subcommands.Add(command);
        }

        var help = root.Options.OfType<HelpOption>().Single();
        (help.Description, help.Action) = ("Show this help", new HelpPage(surroundings));
        root.Options.OfType<VersionOption>().Single().Description = "Show the version";
        return new DrctlCommandLine(root, surroundings);
    }

    /// <summary>Runs a command line; Ctrl-C and SIGTERM cancel it.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> InvokeAsync(IReadOnlyList<string> arguments, CancellationToken cancellationToken)
    {
        if (SiblingPrograms.Takes(arguments))
        {
            return BecomeSibling(arguments);
        }

        // Response files are off: a password or a name that begins with @ is taken literally.
        var parsed = _root.Parse(arguments, new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (parsed.Action is ParseErrorAction or null)
        {
            _surroundings.Error.WriteLine(Readable.Plain(Reason(parsed)));
            return ExitCodes.Usage;
        }

        var configuration = new InvocationConfiguration
        {
            Output = _surroundings.Out,
            Error = _surroundings.Error,
            ProcessTerminationTimeout = StopTime,
        };
        return await parsed.InvokeAsync(configuration, cancellationToken);
    }

    private int BecomeSibling(IReadOnlyList<string> arguments)
    {
        try
        {
            SiblingPrograms.Become(arguments, AppContext.BaseDirectory);
            return ExitCodes.Done;
        }
        catch (CommandFailedException e)
        {
            _surroundings.Error.WriteLine(Readable.Plain(e.Message));
            return e.ExitCode;
        }
    }

    private static string Reason(ParseResult parsed)
    {
        if (parsed.CommandResult.Command is not RootCommand)
        {
            var reason = parsed.Errors.Count > 0 ? parsed.Errors[0].Message.TrimEnd('.') : "The command is incomplete";
            return $"{reason}; see `{HelpPage.Path(parsed.CommandResult.Command)} --help`.";
        }

        return parsed.UnmatchedTokens is [var first, ..]
            ? $"'{first}' is not a command of drctl; see `drctl --help`."
            : "No command was given; see `drctl --help`.";
    }
}
