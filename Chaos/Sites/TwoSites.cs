using System.Net.Http.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Witness.Processes;

namespace ReplicationEngine.Chaos.Sites;

/// <summary>
/// A directory with two sites: the service at the target, the agent at the source, and a link between them. Only
/// processes that this class started are ended.
/// </summary>
internal sealed class TwoSites : IAsyncDisposable
{
    private const string AgentName = "source";
    private static readonly TimeSpan PollEvery = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly HttpClient _http = new(new SocketsHttpHandler { UseProxy = false })
    {
        Timeout = TimeSpan.FromSeconds(5),
    };

    private readonly string _server;
    private readonly int _cacheLimitMiB;
    private readonly List<string> _ends = [];
    private ChildProcess? _service;
    private ChildProcess? _agent;
    private bool _disposed;

    /// <summary>Makes the directories; starts nothing.</summary>
    /// <param name="root">An existing, empty directory.</param>
    /// <param name="program">The path of drctl.</param>
    /// <param name="cacheLimitMiB">The limit of the agent's cache in MiB; 0 for the agent's own default.</param>
    public TwoSites(string root, string program, int cacheLimitMiB)
    {
        var port = LoopbackPorts.Free();
        (Root, _cacheLimitMiB, _server) = (root, cacheLimitMiB, $"http://127.0.0.1:{port}");
        Link = new Link(port);
        Drctl = new Drctl(program, _server, Path.Combine(root, "config"));
        Directory.CreateDirectory(Source);
    }

    /// <summary>The directory of the run.</summary>
    public string Root { get; }

    /// <summary>The directory of the source side: the disks, and the agent's data.</summary>
    public string Source => Path.Combine(Root, "source");

    /// <summary>The directory of the agent's data.</summary>
    public string AgentData => Path.Combine(Source, "agent");

    /// <summary>The directory of the service's data.</summary>
    public string ServiceData => Path.Combine(Root, "target");

    // The file of the service's API token, which users read.
    private string TokenFile => Path.Combine(ServiceData, "api-token");

    /// <summary>The link through which the agent calls the service.</summary>
    public Link Link { get; }

    /// <summary>Runs drctl commands.</summary>
    public Drctl Drctl { get; }

    /// <summary>The file system of the agent's data; null when the data is not on a file system of its own.</summary>
    public SmallDisk? Disk { get; set; }

    /// <summary>Whether the agent runs and is not suspended.</summary>
    public bool AgentRuns { get; private set; }

    /// <summary>The number of times the agent was killed or suspended.</summary>
    public int AgentTroubles { get; private set; }

    /// <summary>Whether the service runs and is not suspended.</summary>
    public bool ServiceRuns { get; private set; }

    /// <summary>Starts the service and waits until it responds.</summary>
    public async Task StartServiceAsync(CancellationToken cancellationToken)
    {
        _service = ChildProcess.Start(
            Drctl.Program, Drctl.Environment, ["serve", "--data", ServiceData, "--listen", _server]);
        ServiceRuns = true;
        await UntilAsync(
            "the service responds", async () => await TryGetAsync("/api/v1/agents") is not null, StartLimit,
            cancellationToken);
    }

    /// <summary>Starts another agent under the agent's name, with data of its own.</summary>
    public ChildProcess StartStranger(string data) => ChildProcess.Start(
        Drctl.Program, Drctl.Environment,
        ["agent", "--server", _server, "--data", data, "--name", AgentName, "--allow", Source]);

    /// <summary>Starts the agent.</summary>
    public void StartAgent()
    {
        string[] limit = _cacheLimitMiB == 0 ? [] : ["--cache-limit", $"{_cacheLimitMiB}MiB"];
        _agent = ChildProcess.Start(
            Drctl.Program, Drctl.Environment,
            [
                "agent", "--server", Link.Url, "--data", AgentData, "--name", AgentName, "--allow", Source, .. limit,
            ]);
        AgentRuns = true;
    }

    /// <summary>Kills the service (SIGKILL).</summary>
    public void KillService()
    {
        ServiceRuns = false;
        End(ref _service, "service");
    }

    /// <summary>Kills the agent (SIGKILL).</summary>
    public void KillAgent()
    {
        (AgentRuns, AgentTroubles) = (false, AgentTroubles + 1);
        End(ref _agent, "agent");
    }

    /// <summary>Suspends the service (SIGSTOP).</summary>
    public void HaltService()
    {
        ServiceRuns = false;
        _service?.Halt();
    }

    /// <summary>Suspends the agent (SIGSTOP).</summary>
    public void HaltAgent()
    {
        (AgentRuns, AgentTroubles) = (false, AgentTroubles + 1);
        _agent?.Halt();
    }

    /// <summary>Resumes the service (SIGCONT).</summary>
    public void LetServiceGoOn()
    {
        _service?.GoOn();
        ServiceRuns = true;
    }

    /// <summary>Resumes the agent (SIGCONT).</summary>
    public void LetAgentGoOn()
    {
        _agent?.GoOn();
        AgentRuns = true;
    }

    /// <summary>Checks that every process that was not killed is alive.</summary>
    /// <exception cref="ViolationException">A process ended on its own.</exception>
    public void AreAlive()
    {
        foreach (var (process, name, runs) in new[] { (_service, "service", ServiceRuns), (_agent, "agent",
            AgentRuns) })
        {
            if (runs && process is { HasExited: true })
            {
                throw new ViolationException(
                    "process", $"the {name} ended on its own with {process.ExitCode}: {Tail(process)}");
            }
        }
    }

    /// <summary>Requests a clean shutdown of both processes and returns their exit codes.</summary>
    public async Task<(int Agent, int Service)> StopAsync()
    {
        (AgentRuns, ServiceRuns) = (false, false);
        var codes = await Task.Run(() => (_agent?.Stop() ?? 0, _service?.Stop() ?? 0));
        End(ref _agent, "agent");
        End(ref _service, "service");
        return codes;
    }

    /// <summary>Returns the service's view of a VM; null when the service does not respond.</summary>
    public Task<JsonNode?> ViewAsync(string vm) => TryGetAsync($"/api/v1/vms/{vm}");

    /// <summary>Waits until a VM's view fulfils a condition, and returns the view.</summary>
    /// <exception cref="ViolationException">The condition is not fulfilled within the limit.</exception>
    public async Task<JsonNode> UntilViewAsync(
        string vm, string what, Func<JsonNode, bool> condition, TimeSpan limit, CancellationToken cancellationToken)
    {
        JsonNode? last = null;
        try
        {
            await UntilAsync(
                $"{vm}: {what}",
                async () => (last = await ViewAsync(vm) ?? last) is not null && condition(last), limit,
                cancellationToken);
        }
        catch (ViolationException e)
        {
            throw new ViolationException(e.Invariant, $"{e.Message}; last seen: {Short(last)}");
        }

        return last!;
    }

    /// <summary>Waits until a condition holds.</summary>
    /// <exception cref="ViolationException">The condition does not hold within the limit, or a process ended on its
    /// own.</exception>
    public async Task UntilAsync(
        string what, Func<Task<bool>> condition, TimeSpan limit, CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (!await condition())
        {
            AreAlive();
            if (TimeProvider.System.GetElapsedTime(began) > limit)
            {
                throw new ViolationException("recovery", $"not within {limit.TotalSeconds:0} s: {what}");
            }

            await Task.Delay(PollEvery, TimeProvider.System, cancellationToken);
        }
    }

    /// <summary>Writes the logs of the processes to files of the directory.</summary>
    public void KeepLogs()
    {
        var logs = _ends.Append(LogOf(_service, "service")).Append(LogOf(_agent, "agent"));
        File.WriteAllLines(Path.Combine(Root, "processes.log"), logs);
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        End(ref _agent, "agent");
        End(ref _service, "service");
        await Link.DisposeAsync();
        _http.Dispose();
    }

    private static string LogOf(ChildProcess? process, string name) =>
        process is null ? "" : $"--- {name}, process {process.Id}\n{process.Errors}";

    // The last lines of the log, with only the innermost frame of a stack.
    private static string Tail(ChildProcess process)
    {
        var lines = process.Errors.Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var isFrame = (string line) => line.StartsWith("   at ", StringComparison.Ordinal);
        var frames = lines.Reverse().TakeWhile(isFrame).Reverse().Take(3);
        return string.Join(" | ", lines.Where(line => !isFrame(line)).TakeLast(5).Concat(frames));
    }

    private static string Short(JsonNode? view) => view is null ? "no response"
        : $"phase {view["phase"]}, health {view["health"]}, causes "
            + $"[{string.Join(", ", view["causes"]!.AsArray().Select(c => (string?)c!["message"]))}], source "
            + $"{view["source"]!["role"]}, connected {view["source"]!["connected"]}, capture "
            + $"{view["source"]!["capture"]}, dirty {view["source"]!["dirtyBytes"]} bytes, lag {view["lagBytes"]} "
            + $"bytes, possible [{string.Join(", ", view["operations"]!.AsArray().Select(o => (string?)o))}]";

    private void End(ref ChildProcess? process, string name)
    {
        if (process is null)
        {
            return;
        }

        process.Kill();
        _ends.Add(LogOf(process, name));
        process.Dispose();
        process = null;
    }

    private async Task<JsonNode?> TryGetAsync(string path)
    {
        try
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, new Uri(_server + path));
            if (File.Exists(TokenFile))
            {
                var token = await File.ReadAllTextAsync(TokenFile);
                request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {token.Trim()}");
            }

            using var response = await _http.SendAsync(request);
            return response.IsSuccessStatusCode ? await response.Content.ReadFromJsonAsync<JsonNode>() : null;
        }
        catch (Exception e) when (e is HttpRequestException or TaskCanceledException)
        {
            return null;
        }
    }
}
