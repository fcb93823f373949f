using System.CommandLine;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The commands that are processes of their own: <c>serve</c> and <c>agent</c>. What they run comes from the
/// caller.</summary>
internal sealed class HostCommands(ClientOptions options, CliSurroundings surroundings)
{
    /// <summary><c>drctl serve</c>.</summary>
    public Command Serve(ServeHandler handler)
    {
        var data = Data("The vault's journal, replicas and recovery points");
        var listen = new Option<string>("--listen")
        {
            HelpName = "URL",
            Description = "Where to listen",
            DefaultValueFactory = _ => ClientOptions.DefaultServer,
        };
        var token = Text("--token", "TOKEN", "What agents must show to be admitted");
        var command = new Command("serve", "Runs the service: vault, gateway and replica store") { data, listen,
            token };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () => handler(
                new ServeOptions(
                    Full(parsed.GetRequiredValue(data)), InputText.Url(parsed.GetRequiredValue(listen), "--listen"),
                        parsed.GetValue(token)),
                cancellationToken),
            cancellationToken));
        return command;
    }

    /// <summary><c>drctl agent</c>.</summary>
    public Command Agent(AgentHandler handler)
    {
        var data = Data("The agent's activity log, replication log and cache");
        var name = Text("--name", "NAME", "The agent's name in the vault; else the host's name");
        var token = Text("--token", "TOKEN", "What the service asks of agents");
        var cacheLimit = new Option<long?>("--cache-limit")
        {
            HelpName = "SIZE",
            Description = "The most the cache may hold, such as 512MiB or 8GiB",
            CustomParser = result =>
            {
                if (InputText.TrySize(result.Tokens[0].Value, out var bytes, out var sentence))
                {
                    return bytes;
                }

                result.AddError(sentence);
                return null;
            },
        };
        var hooks = Text("--hooks", "DIR",
            "A directory with executables: `freeze` and `thaw` for application-consistent points, `stop` to take a "
                + "machine down before a planned failover");
        var socket = Text("--nbd-socket", "PATH",
            "The unix socket to serve the disks on; else one in the data directory");
        var group = Text("--nbd-socket-group", "GROUP",
            "The group that may connect to the socket, such as the one QEMU runs in");
        var mode = new Option<UnixFileMode?>("--nbd-socket-mode")
        {
            HelpName = "MODE",
            Description = "The socket's permissions in octal; else 0600, or 0660 with a group",
            CustomParser = result =>
            {
                if (InputText.TryMode(result.Tokens[0].Value, out var bits, out var sentence))
                {
                    return bits;
                }

                result.AddError(sentence);
                return null;
            },
        };
        var alone = new Option<bool>("--start-alone")
        {
            Description = "Serve the disks even when the service cannot be asked whether they are fenced",
        };
        var command = new Command("agent", "Runs the agent on the machine of the disks; it only ever calls out")
        {
            options.Server, data, name, token, cacheLimit, hooks, socket, group, mode, alone,
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () => handler(
                new AgentOptions(
                    options.ServerOf(parsed, surroundings), Full(parsed.GetRequiredValue(data)), parsed.GetValue(name),
                    parsed.GetValue(token), parsed.GetValue(cacheLimit), FullOrNull(parsed.GetValue(hooks)),
                    FullOrNull(parsed.GetValue(socket)), parsed.GetValue(alone))
                {
                    NbdSocketGroup = parsed.GetValue(group), NbdSocketMode = parsed.GetValue(mode),
                },
                cancellationToken),
            cancellationToken));
        return command;
    }

    private async Task<int> RunAsync(Func<Task<int>> work, CancellationToken cancellationToken)
    {
        try
        {
            return await work();
        }
        catch (CommandFailedException e)
        {
            surroundings.Error.WriteLine(Readable.Plain(e.Message));
            return e.ExitCode;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // What the machine refuses: a directory, a lock, an address in use.
            surroundings.Error.WriteLine(Readable.Plain(e.Message));
            return ExitCodes.Refused;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return ExitCodes.Done;
        }
    }

    private static Option<string> Data(string description) =>
        new("--data") { HelpName = "DIR", Description = description, Required = true };

    private static Option<string?> Text(string name, string value, string description) =>
        new(name) { HelpName = value, Description = description };

    private string Full(string path) => path.Length > 0
        ? Path.GetFullPath(path, surroundings.CurrentDirectory)
        : throw CommandFailedException.Usage("'' is not a path; name a file or directory.");

    private string? FullOrNull(string? path) => path is null ? null : Full(path);
}
