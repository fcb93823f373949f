using System.CommandLine;
using System.CommandLine.Help;
using System.CommandLine.Invocation;
using System.Globalization;
using ReplicationEngine.Chaos.Plans;
using ReplicationEngine.Chaos.Runs;
using ReplicationEngine.Chaos.Sites;

namespace ReplicationEngine.Chaos.Cli;

/// <summary>The command line of <c>drctl chaos</c>.</summary>
internal static class ChaosCommandLine
{
    private const int Done = 0;
    private const int Failed = 1;
    private const int Usage = 2;
    private const int Interrupted = 130;
    private const int DefaultRounds = 4;

    private static readonly TimeSpan StopTime = TimeSpan.FromSeconds(30);

    /// <summary>
    /// Runs a command line and returns the exit code: 0 when every invariant held, 1 when one did not or the run was
    /// not possible, 2 for bad usage.
    /// </summary>
    public static async Task<int> InvokeAsync(
        string[] arguments, TextWriter output, TextWriter error, CancellationToken cancellationToken)
    {
        var typed = new Typed();
        var command = typed.Command(
            "chaos", "Test a real service and agent under injected failures, drawn from a seed, while VMs write. "
            + "Exit codes: 0 all checks passed, 1 a check failed or could not run, 2 bad usage, 130 interrupted.");
        command.SetAction((parsed, token) => GoAsync(typed, parsed, (output, error), token));
        var root = new Command("drctl") { command };
        root.Options.Add(new HelpOption { Recursive = true });
        var result = root.Parse(["chaos", .. arguments], new ParserConfiguration { ResponseFileTokenReplacer = null });
        if (result.Action is ParseErrorAction or null)
        {
            error.WriteLine($"{result.Errors[0].Message.TrimEnd('.')}; see `drctl chaos --help`.");
            return Usage;
        }

        return await result.InvokeAsync(
            new InvocationConfiguration { Output = output, Error = error, ProcessTerminationTimeout = StopTime },
            cancellationToken);
    }

    private static async Task<int> GoAsync(
        Typed typed, ParseResult parsed, (TextWriter Out, TextWriter Error) to, CancellationToken cancellationToken)
    {
        var made = (string?)null;
        try
        {
            var program = Drctl.Find() ?? throw new ChaosRefusedException(
                $"The program drctl is not in {AppContext.BaseDirectory}; run `./drctl chaos` from "
                + "the repository, which builds both.");
            var options = typed.Read(parsed, out made);
            var outcome = await RunAsync(options, program, to.Error, cancellationToken);
            var summary = new Summary(options, outcome);
            if (typed.WantsJson(parsed))
            {
                to.Out.WriteLine(summary.Json());
            }
            else
            {
                var isConsole = ReferenceEquals(to.Out, Console.Out);
                summary.Write(to.Out, isConsole ? Columns(Console.IsOutputRedirected) : null);
            }

            Remove(made, keeps: options.Keeps || outcome.Violation is not null);
            return outcome.Violation is null ? Done : Failed;
        }
        catch (ChaosUsageException e)
        {
            to.Error.WriteLine(e.Message);
            return Usage;
        }
        catch (Exception e) when (e is ChaosRefusedException or IOException or UnauthorizedAccessException)
        {
            to.Error.WriteLine(e.Message);
            Remove(made, keeps: e is not ChaosRefusedException);
            return Failed;
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            to.Error.WriteLine($"Interrupted; the directory {made} is kept.");
            return Interrupted;
        }
    }

    private static async Task<Outcome> RunAsync(
        ChaosOptions options, string program, TextWriter error, CancellationToken cancellationToken)
    {
        var columns = ReferenceEquals(error, Console.Error) ? Columns(Console.IsErrorRedirected) : null;
        using var screen = new Screen(error, columns, Path.Combine(options.Directory, "timeline.log"));
        screen.Tell($"seed {options.Seed}, directory {options.Directory}");
        if (options.LeftOut is { } leftOut)
        {
            screen.Tell(leftOut);
        }

        var outcome = await new ChaosRun(options, program, screen).RunAsync(cancellationToken);
        screen.Tell(outcome.Violation is { } found ? $"{found.Invariant}: {found.Message}" : "all checks passed");
        return outcome;
    }

    private static int? Columns(bool redirected) => redirected || Environment.GetEnvironmentVariable("TERM") is "dumb"
        ? null : Console.WindowWidth is > 0 and var columns ? columns : 80;

    private static void Remove(string? directory, bool keeps)
    {
        if (directory is not null && !keeps)
        {
            Directory.Delete(directory, recursive: true);
        }
    }

    /// <summary>The options as they are typed.</summary>
    private sealed class Typed
    {
        private const int MostVms = 8;
        private const int MostDisks = 4;

        private readonly Option<int?> _seed = new("--seed")
        {
            HelpName = "N", Description = "The seed of the plan (default: random; it is printed)",
        };

        private readonly Option<int?> _rounds = new("--rounds")
        {
            HelpName = "N", Description = $"The number of rounds of faults (default: {DefaultRounds})",
        };

        private readonly Option<string?> _for = new("--for")
        {
            HelpName = "TIME", Description = "Start rounds for this long instead of --rounds, such as 90s, 10m or 1h",
        };

        private readonly Option<int> _vms = new("--vms")
        {
            HelpName = "N", Description = "The number of VMs, 1 to 8", DefaultValueFactory = _ => 2,
        };

        private readonly Option<int> _disks = new("--disks")
        {
            HelpName = "N", Description = "The number of disks of each VM, 1 to 4", DefaultValueFactory = _ => 2,
        };

        private readonly Option<string?> _directory = new("--dir")
        {
            HelpName = "DIR", Description = "A new or empty working directory (default: one in TMPDIR or /var/tmp)",
        };

        private readonly Option<string?> _faults = new("--faults")
        {
            HelpName = "LIST",
            Description = $"The faults to inject, of {string.Join(",", FaultNames.All.Select(f => f.Name))}; kill, "
                + "pause and cut stand for all of their kind (default: all that are possible here)",
        };

        private readonly Option<bool> _json = new("--json") { Description = "Print the result as JSON" };

        private readonly Option<bool> _keep = new("--keep")
        {
            Description = "Keep the directory even when all checks pass",
        };

        public Command Command(string name, string description) =>
            new(name, description) { _seed, _rounds, _for, _vms, _disks, _directory, _faults, _json, _keep };

        public bool WantsJson(ParseResult parsed) => parsed.GetValue(_json);

        /// <summary>Reads the options of a run.</summary>
        /// <param name="parsed">The parsed command line.</param>
        /// <param name="made">The directory, once it was made or found empty.</param>
        /// <exception cref="ChaosUsageException">A typed value is wrong.</exception>
        public ChaosOptions Read(ParseResult parsed, out string? made)
        {
            made = null;
            var seed = parsed.GetValue(_seed) ?? Random.Shared.Next();
            Within(seed, 0, int.MaxValue, "--seed");
            Within(parsed.GetValue(_vms), 1, MostVms, "--vms");
            Within(parsed.GetValue(_disks), 1, MostDisks, "--disks");
            var (rounds, length) = Length(parsed);
            var named = Named(parsed);
            made = Directory(parsed);
            var (faults, leftOut) = named is not null ? (named, null) : Possible(made);
            return new ChaosOptions
            {
                Seed = seed, Rounds = rounds, For = length, Vms = parsed.GetValue(_vms),
                Disks = parsed.GetValue(_disks), Faults = faults, LeftOut = leftOut, Keeps = parsed.GetValue(_keep),
                Directory = made,
            };
        }

        private static void Within(int value, int least, int most, string option)
        {
            if (value < least || value > most)
            {
                throw new ChaosUsageException(string.Create(
                    CultureInfo.InvariantCulture,
                    $"{option} {value} is out of range; write a number from {least} to {most}."));
            }
        }

        private (int? Rounds, TimeSpan? Length) Length(ParseResult parsed)
        {
            var (rounds, typed) = (parsed.GetValue(_rounds), parsed.GetValue(_for));
            if (typed is null)
            {
                Within(rounds ?? DefaultRounds, 1, 100_000, "--rounds");
                return (rounds ?? DefaultRounds, null);
            }

            return rounds is not null ? throw new ChaosUsageException("Give --rounds or --for, not both.")
                : Words.TryDuration(typed, out var length, out var sentence) ? (null, length)
                : throw new ChaosUsageException(sentence);
        }

        private IReadOnlyList<Fault>? Named(ParseResult parsed)
        {
            if (parsed.GetValue(_faults) is not { } list)
            {
                return null;
            }

            return FaultNames.TryParse(list, out var faults, out var sentence) ? faults
                : throw new ChaosUsageException(sentence);
        }

        // If no full disk was requested and none can be made, the fault is left out and reported. An explicit request
        // is refused later.
        private static (IReadOnlyList<Fault> Faults, string? LeftOut) Possible(string directory)
        {
            var (disk, why) = SmallDisk.Mount(Path.Combine(directory, "probe"), mebibytes: 1);
            disk?.Dispose();
            if (System.IO.Directory.Exists(Path.Combine(directory, "probe")))
            {
                System.IO.Directory.Delete(Path.Combine(directory, "probe"));
            }

            var all = FaultNames.All.Select(f => f.Fault);
            return disk is not null ? ([.. all], null)
                : ([.. all.Where(f => f != Fault.FullDisk)], $"full-disk is omitted: {why}");
        }

        private string Directory(ParseResult parsed)
        {
            if (parsed.GetValue(_directory) is not { } typed)
            {
                var place = Environment.GetEnvironmentVariable("TMPDIR") is { Length: > 0 } given ? given : "/var/tmp";
                return System.IO.Directory.CreateDirectory(Path.Combine(place, $"drctl-chaos-{Environment.ProcessId}"))
                    .FullName;
            }

            if (typed.Length == 0)
            {
                throw new ChaosUsageException("'' is not a directory; name one with --dir.");
            }

            var full = Path.GetFullPath(typed);
            if (File.Exists(full) || (System.IO.Directory.Exists(full)
                && System.IO.Directory.EnumerateFileSystemEntries(full).Any()))
            {
                throw new ChaosUsageException($"'{full}' is not empty; name a new or empty directory with --dir.");
            }

            return System.IO.Directory.CreateDirectory(full).FullName;
        }
    }
}

/// <summary>The command line is wrong; the message is one sentence with the remedy.</summary>
internal sealed class ChaosUsageException(string message) : Exception(message);
