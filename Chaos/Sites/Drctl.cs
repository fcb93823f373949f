using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Witness.Processes;

namespace ReplicationEngine.Chaos.Sites;

/// <summary>The result of a drctl command.</summary>
/// <param name="Code">The command's exit code.</param>
/// <param name="Answer">The command's JSON; null when it wrote none.</param>
/// <param name="Said">The command's stderr.</param>
internal sealed record CommandResult(int Code, JsonNode? Answer, string Said);

/// <summary>Runs commands of drctl as processes, as a user does.</summary>
/// <param name="program">The path of drctl.</param>
/// <param name="server">The service's URL.</param>
/// <param name="configuration">The configuration directory in which the service leaves its API token.</param>
internal sealed class Drctl(string program, string server, string configuration)
{
    private const int Interrupted = 130;

    /// <summary>The path of drctl.</summary>
    public string Program => program;

    /// <summary>The environment variables of every process of this run.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; } =
        new Dictionary<string, string>(StringComparer.Ordinal) { ["XDG_CONFIG_HOME"] = configuration };

    /// <summary>Finds drctl next to this program, or in the directory above, where publishing puts it.</summary>
    /// <returns>The path; null when drctl is in neither directory.</returns>
    public static string? Find() => new[] { "drctl", "../drctl" }
        .Select(name => Path.GetFullPath(Path.Combine(AppContext.BaseDirectory, name))).FirstOrDefault(File.Exists);

    /// <summary>Runs a client command with <c>--json</c>.</summary>
    /// <exception cref="ViolationException">The command crashed: its exit code is not one of drctl's.</exception>
    public Task<CommandResult> RunAsync(params IEnumerable<string> arguments) =>
        RunPlainAsync([.. arguments, "--server", server, "--json"]);

    /// <summary>Runs a client command that has to succeed, and returns its JSON.</summary>
    public async Task<JsonNode> AskAsync(params string[] arguments)
    {
        var result = await RunAsync(arguments);
        return result is { Code: 0, Answer: { } answer } ? answer : throw new ViolationException(
            "recovery", $"`drctl {string.Join(' ', arguments)}` exited with {result.Code}: {result.Said.Trim()}");
    }

    /// <summary>Runs a command without adding options.</summary>
    public Task<CommandResult> RunPlainAsync(IReadOnlyList<string> arguments) => Task.Run(() =>
    {
        using var process = ChildProcess.Start(program, Environment, arguments);
        var code = process.WaitForExit(Patience);
        if (code is < 0 or (> 3 and not Interrupted))
        {
            throw new ViolationException(
                "process", $"`drctl {string.Join(' ', arguments)}` exited with {code}: {process.Errors.Trim()}");
        }

        var text = process.Output.Trim();
        return new CommandResult(code, code == 0 && text.Length > 0 ? Parse(text) : null, process.Errors);
    });

    /// <summary>The longest duration of a command: one that waits retries a silent service for a minute.</summary>
    private static TimeSpan Patience { get; } = TimeSpan.FromMinutes(5);

    private static JsonNode? Parse(string text)
    {
        try
        {
            return JsonNode.Parse(text);
        }
        catch (JsonException)
        {
            // `log --json` prints one object per line; its callers read the text.
            return null;
        }
    }
}
