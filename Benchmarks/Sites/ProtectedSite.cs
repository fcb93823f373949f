using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace ReplicationEngine.Benchmarks.Sites;

/// <summary>
/// Service and agent as separate processes, driven by <c>drctl</c> as a user would drive them; both are ended on
/// disposal.
/// </summary>
internal sealed class ProtectedSite : IDisposable
{
    private readonly string _program = FindProgram();
    private readonly string _directory;
    private readonly string _server;
    private readonly Process _service;
    private Process? _agent;

    /// <summary>Starts service and agent in a directory.</summary>
    public ProtectedSite(string directory)
    {
        _directory = directory;
        _server = $"http://127.0.0.1:{FreePort()}";
        _service = Start(["serve", "--data", Path.Combine(directory, "service"), "--listen", _server]);
        StartAgent();
    }

    /// <summary>The agent's process.</summary>
    public Process Agent => _agent ?? throw new InvalidOperationException("The agent is stopped.");

    /// <summary>The service's process.</summary>
    public Process Service => _service;

    /// <summary>Starts the agent and waits until the service knows it.</summary>
    public void StartAgent()
    {
        _agent = Start(
        [
            "agent", "--server", _server, "--data", Path.Combine(_directory, "agent"), "--name", "bench",
            "--allow", "/",
        ]);
        WaitUntil(() => TryRun(["agents"])?.AsArray().Any(a => (bool)a!["connected"]!) == true, "the agent to connect");
    }

    /// <summary>Stops the agent by a clean shutdown.</summary>
    public void StopAgent()
    {
        using var stop = Process.Start("kill", Agent.Id.ToString(CultureInfo.InvariantCulture));
        Agent.WaitForExit();
        Agent.Dispose();
        _agent = null;
    }

    /// <summary>Returns the peak memory of service or agent, whichever is higher, in MiB.</summary>
    public long PeakMebibytes()
    {
        Agent.Refresh();
        Service.Refresh();
        return Math.Max(Agent.PeakWorkingSet64, Service.PeakWorkingSet64) >> 20;
    }

    /// <summary>Runs a drctl command and returns its JSON.</summary>
    public JsonNode Run(params string[] arguments) => TryRun(arguments)
        ?? throw new InvalidOperationException($"drctl {string.Join(' ', arguments)} failed.");

    /// <summary>Returns the duration of the last ended job of a kind, in seconds.</summary>
    public double JobSeconds(string vm, string kind)
    {
        var job = Run("jobs", vm).AsArray().First(j => (string)j!["kind"]! == kind && j["endedAt"] is not null)!;
        return ((DateTimeOffset)job["endedAt"]! - (DateTimeOffset)job["startedAt"]!).TotalSeconds;
    }

    /// <summary>Waits until a condition holds.</summary>
    public static void WaitUntil(Func<bool> condition, string what)
    {
        var watch = Stopwatch.StartNew();
        using var pause = new ManualResetEventSlim();
        while (!condition())
        {
            if (watch.Elapsed > TimeSpan.FromMinutes(3))
            {
                throw new TimeoutException($"Waited 3 minutes for {what}.");
            }

            pause.Wait(TimeSpan.FromMilliseconds(100));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var process in new[] { _agent, _service })
        {
            if (process is { HasExited: false })
            {
                process.Kill();
                process.WaitForExit();
            }

            process?.Dispose();
        }
    }

    private JsonNode? TryRun(string[] arguments)
    {
        using var process = Start([.. arguments, "--json", "--server", _server]);
        var text = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? JsonNode.Parse(text) : null;
    }

    private Process Start(string[] arguments)
    {
        var process = Process.Start(new ProcessStartInfo(_program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["XDG_CONFIG_HOME"] = Path.Combine(_directory, "config") },
        })!;
        process.BeginErrorReadLine();
        return process;
    }

    private static int FreePort()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        return ((IPEndPoint)listener.LocalEndpoint).Port;
    }

    private static string FindProgram()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (directory is not null && !File.Exists(Path.Combine(directory.FullName, "ReplicationEngine.sln")))
        {
            directory = directory.Parent;
        }

        return Path.Combine(
            directory?.FullName ?? throw new InvalidOperationException("The benchmarks run outside the repository."),
            "Vault/bin/published/drctl");
    }
}
