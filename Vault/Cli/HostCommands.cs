using System.CommandLine;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Agent.Volumes;
using ReplicationEngine.Vault.Replicas;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// The commands that run as hosts: <c>serve</c> and <c>agent</c>. The caller supplies the service and the agent.
/// </summary>
internal sealed class HostCommands(ClientOptions options, CliSurroundings surroundings)
{
    /// <summary>Returns the command <c>drctl serve</c>.</summary>
    public Command Serve(ServeHandler handler)
    {
        var data = Data("The directory for the journal, the replicas and the recovery points");
        var listen = new Option<string>("--listen")
        {
            HelpName = "URL",
            Description = $"The loopback address to listen on (default: {ClientOptions.DefaultServer})",
            DefaultValueFactory = _ => ClientOptions.DefaultServer,
        };
        var names = new Option<string[]>("--host-name")
        {
            HelpName = "NAME",
            Description = "A host name that requests may use for the service, in addition to the listening "
                + "address and localhost; repeatable",
            AllowMultipleArgumentsPerToken = true,
        };
        var config = Text("--config", "FILE",
            "A HOCON file whose settings override those of akka.hocon");
        var postgres = Text("--postgres", "CONNECTION",
            "Keep the journal in this PostgreSQL database (15 or later) instead of a file in the data directory, "
                + "such as \"Host=db;Database=vault;Username=vault\"; put the password into the file that PGPASSFILE "
                + "names");
        var archive = InputText.ArchiveAfter(
            "Move events older than this many days that precede a snapshot to sealed files in the directory "
                + "'archive' of the data directory, where they stay readable; or `never` (default: 30)");
        var command = new Command("serve", "Run the service at the recovery site: API, journal and replica store")
        {
            data, listen, names, config, postgres, archive,
            Removed("The service creates its API token and writes it to the file "
                + $"{ApiToken.FileName} in its data directory; omit the option"),
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () => handler(
                Possible(new ServeOptions(
                    surroundings.Full(parsed.GetRequiredValue(data)),
                    InputText.Url(parsed.GetRequiredValue(listen), "--listen"),
                    [.. (parsed.GetValue(names) ?? []).Select(name => InputText.HostName(name, "--host-name"))],
                    TokenDirectory.OfUser(surroundings.Variable))
                {
                    AkkaConfiguration = ConfigurationIn(FullOrNull(parsed.GetValue(config))),
                    Postgres = parsed.GetValue(postgres),
                    ArchiveAfter = parsed.GetValue(archive),
                }),
                cancellationToken),
            cancellationToken));
        return command;
    }

    private static ServeOptions Possible(ServeOptions options) =>
        options.Problem is { } problem ? throw CommandFailedException.Usage(problem) : options;

    /// <summary>Returns the command <c>drctl agent</c>.</summary>
    public Command Agent(AgentHandler handler)
    {
        var data = Data("The directory for the agent's replication logs and state");
        var name = Text("--name", "NAME", "The agent's name (default: the host name)");
        var allow = new Option<string[]>("--allow")
        {
            HelpName = "PATH",
            Description = "A disk, or a directory of disks, that the agent may serve; repeatable (default: "
                + $"{AllowedPaths.Variable}, separated by colons). Without either, the agent refuses every disk",
            AllowMultipleArgumentsPerToken = true,
        };
        var cacheLimit = new Option<long?>("--cache-limit")
        {
            HelpName = "SIZE",
            Description = "The maximum size of each VM's replication log, such as 512MiB (default: 8GiB)",
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
            "A directory of executables: `freeze` and `thaw` for application-consistent recovery points, `stop` to "
                + "shut a VM down before a planned failover");
        var socket = Text("--nbd-socket", "PATH",
            "The unix socket on which the disks are served (default: nbd.sock in the data directory)");
        var group = Text("--nbd-socket-group", "GROUP",
            "The group that may connect to the socket, such as QEMU's");
        var mode = SocketMode();
        var alone = new Option<bool>("--start-alone")
        {
            Description = "Serve the disks before the service has confirmed that no failover happened; for use while "
                + "the service is down",
        };
        var command = new Command(
            "agent",
            "Run the agent on the machine that has the disks")
        {
            options.Server, options.TokenFile, data, name, allow, cacheLimit, hooks, socket, group, mode, alone,
            Removed("Every user of this machine can read a secret in the argument list; name a file that holds "
                + $"the API token with --token-file FILE or {ServiceToken.FileVariable}"),
        };
        command.SetAction((parsed, cancellationToken) => RunAsync(
            () => handler(
                new AgentOptions(
                    options.ServerOf(parsed, surroundings), surroundings.Full(parsed.GetRequiredValue(data)),
                    parsed.GetValue(name), TokenOf(parsed), Allowed(parsed.GetValue(allow)),
                    parsed.GetValue(cacheLimit), FullOrNull(parsed.GetValue(hooks)),
                    FullOrNull(parsed.GetValue(socket)), parsed.GetValue(alone))
                {
                    NbdSocketGroup = parsed.GetValue(group), NbdSocketMode = parsed.GetValue(mode),
                },
                cancellationToken),
            cancellationToken));
        return command;
    }

    private static string? ConfigurationIn(string? path)
    {
        try
        {
            return path is null ? null : File.ReadAllText(path);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new CommandFailedException(
                ExitCodes.Usage, $"The configuration file '{path}' cannot be read: {e.Message}");
        }
    }

    private static Option<UnixFileMode?> SocketMode() => new("--nbd-socket-mode")
    {
        HelpName = "MODE",
        Description = "The socket's permissions in octal (default: 0600, or 0660 with a group)",
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

    private async Task<int> RunAsync(Func<Task> work, CancellationToken cancellationToken)
    {
        try
        {
            // The command line handles signals only after this method has returned a task. Until then a signal would
            // end the process with 143 instead of a clean shutdown.
            await Task.Run(work, CancellationToken.None);
            return ExitCodes.Done;
        }
        catch (CommandFailedException e)
        {
            surroundings.Error.WriteLine(Readable.Plain(e.Message));
            return e.ExitCode;
        }
        catch (Exception e) when (e is VaultRefusedException or IOException or UnauthorizedAccessException)
        {
            // The vault or the machine refuses: a damaged journal, a directory, a lock, an address in use.
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

    // A secret typed after an option that no longer exists is not repeated, because messages are kept in logs.
    private static Option<string?> Removed(string instead)
    {
        var option = new Option<string?>("--token") { Hidden = true, Arity = ArgumentArity.ZeroOrOne };
        option.Validators.Add(result => result.AddError($"The option --token was removed. {instead}"));
        return option;
    }

    // A named file without a token is a mistake that is reported at once. An unnamed one may be written later.
    private ServiceToken TokenOf(ParseResult parsed)
    {
        var token = options.TokenOf(parsed, surroundings);
        if (token.File is not null)
        {
            _ = token.Find();
        }

        return token;
    }

    private string[] Allowed(string[]? given) =>
        [.. (given is { Length: > 0 }
            ? given
            : (surroundings.Variable(AllowedPaths.Variable) ?? "").Split(':', StringSplitOptions.RemoveEmptyEntries))
            .Select(surroundings.Full)];

    private string? FullOrNull(string? path) => path is null ? null : surroundings.Full(path);
}
