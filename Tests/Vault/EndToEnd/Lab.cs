using System.Net.Http.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Chaos.Witness.Processes;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>
/// A directory with two sites: the service and the agent as processes of their own, disks at the source, and drctl's
/// command line, which runs in this process but speaks to the service over its port like any other.
/// </summary>
internal sealed class Lab : IDisposable
{
    /// <summary>drctl as it is published, compiled ahead of time, where ./test names it; else the build next to the
    /// tests.</summary>
    public static readonly string Program = Environment.GetEnvironmentVariable("DRCTL_PROGRAM")
        ?? Path.Combine(AppContext.BaseDirectory, "drctl");

    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(50);

    /// <summary>Seconds after which what must happen counts as lost, also on a machine with a load of 50.</summary>
    public const int Patience = 150;

    private static readonly TimeSpan Longest = TimeSpan.FromSeconds(240);

    private readonly HttpClient _http = new() { Timeout = TimeSpan.FromSeconds(60) };
    private readonly List<ChildProcess> _processes = [];

    public Lab()
    {
        Root = Directory.CreateTempSubdirectory("dr-e2e-").FullName;
        Server = $"http://127.0.0.1:{LoopbackPorts.Free()}";
        Directory.CreateDirectory(SiteA);
    }

    /// <summary>The test's directory.</summary>
    public string Root { get; }

    /// <summary>The service's URL.</summary>
    public string Server { get; }

    /// <summary>Everything at the source.</summary>
    public string SiteA => Path.Combine(Root, "a");

    /// <summary>The agent's data.</summary>
    public string AgentData => Path.Combine(SiteA, "agent");

    /// <summary>The service's data.</summary>
    public string ServiceData => Path.Combine(Root, "service");

    /// <summary>The configuration directory of everything that this laboratory runs.</summary>
    public string Configuration => Path.Combine(Root, "config");

    /// <summary>The file with the API token.</summary>
    public string TokenFile => Path.Combine(ServiceData, ApiToken.FileName);

    public ChildProcess? Service { get; private set; }

    public ChildProcess? Agent { get; private set; }

    /// <summary>Starts the service and waits until it answers.</summary>
    public Task StartServiceAsync(params string[] more)
    {
        Service = Start(["serve", "--data", ServiceData, "--listen", Server, .. more]);
        return ServiceAnswersAsync();
    }

    /// <summary>Starts the service under another program, such as strace, and waits until it answers.</summary>
    public Task StartServiceUnderAsync(string program, params string[] arguments)
    {
        Service = StartProgram(program, [.. arguments, Program, "serve", "--data", ServiceData, "--listen", Server]);
        return ServiceAnswersAsync();
    }

    private Task ServiceAnswersAsync() => UntilAsync("the service responds", async () =>
    {
        Assert.False(Service!.HasExited, $"the service ended: {Service.Errors}");
        return await TryGetAsync("/api/v1/agents") is not null;
    });

    /// <summary>Starts the agent, which may serve every disk of the laboratory, and waits until the service knows
    /// it.</summary>
    public async Task StartAgentAsync(params string[] more)
    {
        StartAgent(more);
        await AgentConnectedAsync();
    }

    public void StartAgent(params string[] more) => StartAgentAt(Server, more);

    /// <summary>Starts the agent with another URL for the service, such as a proxy's.</summary>
    public void StartAgentAt(string server, params string[] more) =>
        StartAgentWith(AgentArguments(server, more));

    /// <summary>Starts the agent with exactly these arguments.</summary>
    public void StartAgentWith(params IEnumerable<string> arguments) => Agent = Start(arguments);

    /// <summary>How the agent is started.</summary>
    public string[] AgentArguments(string server, params string[] more) =>
    [
        "agent", "--data", AgentData, "--name", "site-a", .. more,
        .. more.Contains("--server") ? Array.Empty<string>() : ["--server", server],
        .. more.Contains("--allow") ? Array.Empty<string>() : ["--allow", Root],
    ];

    /// <summary>
    /// Starts the agent with a wall clock of its own (libfaketime), and waits until the service knows it: how far it is
    /// off stands in a file, such as <c>+1d</c>, and can be changed while the agent runs.
    /// </summary>
    public async Task StartAgentWithClockAsync(string offsetFile)
    {
        OutsideTool.Require("faketime", "faketime");
        var library = Directory.EnumerateFiles("/usr/lib", "libfaketimeMT.so.1", SearchOption.AllDirectories).First();
        Agent = StartProgram("/usr/bin/env",
        [
            $"LD_PRELOAD={library}", $"FAKETIME_TIMESTAMP_FILE={offsetFile}", "FAKETIME_NO_CACHE=1",
            "FAKETIME_DONT_FAKE_MONOTONIC=1", "DONT_FAKE_MONOTONIC=1", Program, .. AgentArguments(Server),
        ]);
        await AgentConnectedAsync();
    }

    public Task AgentConnectedAsync() => UntilAsync("the agent is connected", async () =>
    {
        Assert.False(Agent!.HasExited, $"the agent ended: {Agent.Errors}");
        return await TryGetAsync("/api/v1/agents") is JsonArray agents && agents.Any(a => (bool)a!["connected"]!);
    });

    /// <summary>Starts drctl as a process.</summary>
    public ChildProcess Start(params IEnumerable<string> arguments) => StartProgram(Program, arguments);

    /// <summary>Starts any program in the surroundings of drctl.</summary>
    public ChildProcess StartProgram(string program, IEnumerable<string> arguments)
    {
        var environment = new Dictionary<string, string>(StringComparer.Ordinal)
        {
            ["XDG_CONFIG_HOME"] = Configuration,
        };
        var process = ChildProcess.Start(program, environment, arguments);
        _processes.Add(process);
        return process;
    }

    /// <summary>A disk at the source: every third 64 KiB zero, the rest its own bytes.</summary>
    public string MakeDisk(string name, int size, int seed)
    {
        var bytes = new byte[size];
        new Random(seed).NextBytes(bytes);
        for (var at = 0; at < size; at += 3 << 16)
        {
            bytes.AsSpan(at, Math.Min(1 << 16, size - at)).Clear();
        }

        var path = Path.Combine(SiteA, name);
        File.WriteAllBytes(path, bytes);
        return path;
    }

    /// <summary>Runs a command of drctl.</summary>
    public async Task<CommandResult> RunAsync(params string[] arguments)
    {
        var (output, errors) = (new StringWriter(), new StringWriter());
        using var limit = new CancellationTokenSource(Longest, TimeProvider.System);
        var surroundings = new CliSurroundings(
            output, errors, null, null, TimeProvider.System,
            name => name switch { "DRCTL_SERVER" => Server, "XDG_CONFIG_HOME" => Configuration, _ => null })
        {
            CurrentDirectory = SiteA,
        };
        var code = await DrctlCommandLine.Build(
            (_, _) => throw new InvalidOperationException("serve is a process of its own here"),
            (_, _) => throw new InvalidOperationException("agent is a process of its own here"),
            surroundings).InvokeAsync(arguments, limit.Token);
        return new CommandResult(code, output.ToString(), errors.ToString());
    }

    /// <summary>
    /// Runs a command that has to succeed, and answers its JSON. On a busy machine any stall can fill a small disk's
    /// log; so a command that a resync bars is run again until it is over.
    /// </summary>
    public async Task<JsonNode> AskAsync(params string[] arguments)
    {
        CommandResult result = null!;
        await UntilAsync($"no resync bars drctl {string.Join(' ', arguments)}", async () =>
        {
            result = await RunAsync([.. arguments, "--json"]);
            return result.Code == 0 || !IsBarredByResync(result.Errors);
        });
        Assert.True(
            result.Code == 0, $"drctl {string.Join(' ', arguments)} exited with {result.Code}: "
                + $"{result.Errors}\n{Logs()}");
        return JsonNode.Parse(result.Output)!;
    }

    private static bool IsBarredByResync(string errors) =>
        errors.Contains("while a resync runs", StringComparison.Ordinal)
            || errors.Contains("A resync is required first", StringComparison.Ordinal);

    /// <summary>The whole journal of the running service, verified.</summary>
    public async Task JournalIsSoundAsync()
    {
        var verified = await RunAsync("journal", "verify", "--data", ServiceData);
        Assert.True(verified.Code == 0, $"{verified.Output}\n{verified.Errors}\n{Logs()}");
    }

    /// <summary>What is read is what the journal says: built again, it is the same.</summary>
    public async Task ReadModelsAreTrueAsync() => await UntilAsync("what is read is what is built again", async () =>
    {
        var read = await ReadAsync();
        foreach (var projection in new[] { "protected-vms", "audit" })
        {
            Assert.Equal(0, (await RunAsync("projections", "rebuild", projection)).Code);
        }

        return read == await ReadAsync();

        async Task<string> ReadAsync() => string.Join(
            '\n', (await AskAsync("jobs")).ToJsonString(), (await AskAsync("audit")).ToJsonString(),
            (await AskAsync("points", "web")).ToJsonString());
    });

    /// <summary>The VM as the API shows it.</summary>
    public async Task<JsonNode> ViewAsync(string vm) =>
        await TryGetAsync($"/api/v1/vms/{vm}")
            ?? throw new InvalidOperationException($"The service does not show '{vm}'.\n{Logs()}");

    /// <summary>Answers the JSON of a path; null when the service does not answer, or not with success.</summary>
    public async Task<JsonNode?> TryGetAsync(string path)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(Server + path));
            if (File.Exists(TokenFile))
            {
                request.Headers.TryAddWithoutValidation("Authorization", ApiToken.Read(TokenFile).Authorization);
            }

            using var response = await _http.SendAsync(request);
            return response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<JsonNode>() : null;
        }
        catch (HttpRequestException)
        {
            return null;
        }
    }

    /// <summary>Waits until a VM's view says something.</summary>
    public Task<JsonNode> UntilViewAsync(string vm, string what, Func<JsonNode, bool> condition, int seconds = Patience)
    {
        JsonNode? last = null;
        return UntilAsync(
            $"{vm}: {what}",
            async () =>
            {
                last = await TryGetAsync($"/api/v1/vms/{vm}") ?? last;
                return last is not null && condition(last);
            },
            seconds,
            () => last?.ToJsonString() ?? "no view").ContinueWith(
                done => done.IsCompletedSuccessfully ? last! : throw done.Exception!.InnerException!,
                    TaskScheduler.Default);
    }

    /// <summary>Copies a directory as a backup does: with owners, modes and times.</summary>
    public void CopyAll(string from, string to)
    {
        using var copy = ChildProcess.Start("cp", "-a", from, to);
        Assert.True(copy.WaitForExit() == 0, copy.Errors);
    }

    /// <summary>Waits until a condition holds.</summary>
    public async Task UntilAsync(
        string what, Func<Task<bool>> condition, int seconds = Patience, Func<string>? detail = null)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            if (TimeProvider.System.GetElapsedTime(began).TotalSeconds > seconds)
            {
                Assert.Fail($"not within {seconds} s: {what}\n{detail?.Invoke()}\n{Logs()}");
            }

            await Task.Delay(PollEvery, TimeProvider.System);
        }
    }

    /// <summary>The ends of what the processes logged.</summary>
    public string Logs() =>
        $"--- service\n{Tail(Service)}\n--- agent\n{Tail(Agent)}";

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            process.Dispose();
        }

        _http.Dispose();
        if (Environment.GetEnvironmentVariable("CHAOS_KEEP") is null)
        {
            Directory.Delete(Root, recursive: true);
        }
    }

    private static string Tail(ChildProcess? process) => process is null ? "not started"
        : string.Join('\n', process.Errors.Split('\n').TakeLast(25))
            + (process.HasExited ? $"ended with {process.ExitCode}" : "");
}

/// <summary>How a command of drctl ended.</summary>
internal sealed record CommandResult(int Code, string Output, string Errors);
