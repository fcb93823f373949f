using System.Diagnostics;
using System.Globalization;
using Xunit;

namespace ReplicationEngine.Tests.TestKit;

/// <summary>
/// A PostgreSQL server of the tests' own, from Debian's package, over a private directory; it listens on a socket
/// there and nowhere else. Started when first used; everything is removed at the end.
/// </summary>
public sealed class PostgresServer : IAsyncDisposable
{
    private const string Root = "/usr/lib/postgresql";
    private const string User = "postgres";
    private static readonly TimeSpan s_longest = TimeSpan.FromSeconds(240);

    private readonly SemaphoreSlim _gate = new(1);
    private readonly string _directory = Path.Combine("/tmp", $"dr-pg-{Path.GetRandomFileName()[..8]}");
    private string? _binaries;
    private Process? _server;
    private int _databases;

    private string Data => Path.Combine(_directory, "data");

    /// <summary>Makes an empty database; answers its connection string.</summary>
    public async Task<string> NewDatabaseAsync()
    {
        await _gate.WaitAsync();
        try
        {
            if (_binaries is null)
            {
                await CreateAsync();
                await StartAsync();
            }

            var name = string.Create(CultureInfo.InvariantCulture, $"db{++_databases}");
            await RunAsync("createdb", "-h", _directory, "-U", User, name);
            return $"Host={_directory};Username={User};Database={name}";
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Ends the server at once, as a crash does, and starts it again.</summary>
    public async Task RestartAsync()
    {
        await StopAsync("immediate");
        await StartAsync();
    }

    /// <summary>Ends the server: <c>fast</c>, or <c>immediate</c> as a crash does.</summary>
    public async Task StopAsync(string mode)
    {
        if (_server is { } server)
        {
            await RunAsync("pg_ctl", "-D", Data, "-m", mode, "-w", "stop");
            await server.WaitForExitAsync();
            server.Dispose();
            _server = null;
        }
    }

    /// <summary>Starts the server and waits until it answers.</summary>
    public async Task StartAsync()
    {
        _server = Start(
            "postgres", "-D", Data, "-k", _directory, "-c", "listen_addresses=", "-c", "max_connections=300",
            "-c", "log_min_messages=fatal", "-c", "logging_collector=off");
        await Eventually.HoldsAsync(() =>
        {
            Assert.False(_server.HasExited, "PostgreSQL ended at its start.");
            return IsReady(_server.Id);
        });
    }

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        if (_binaries is not null)
        {
            await StopAsync("immediate");
            Directory.Delete(_directory, recursive: true);
        }

        _gate.Dispose();
    }

    // The server writes its state into its lock file. To ask it by connecting costs a process on both sides each time,
    // which on a busy machine keeps it from becoming ready.
    private bool IsReady(int server)
    {
        const int State = 7;
        var file = Path.Combine(Data, "postmaster.pid");
        var lines = File.Exists(file) ? File.ReadAllLines(file) : [];
        return lines.Length > State && lines[State].Trim() == "ready"
            && lines[0] == server.ToString(CultureInfo.InvariantCulture);
    }

    private static bool IsRoot => string.Equals(Environment.UserName, "root", StringComparison.Ordinal);

    private async Task CreateAsync()
    {
        var versions = Directory.Exists(Root) ? Directory.GetDirectories(Root) : [];
        var newest = versions.OrderBy(path => int.Parse(Path.GetFileName(path), CultureInfo.InvariantCulture))
            .LastOrDefault();
        if (newest is null)
        {
            const string message = "PostgreSQL is not installed: apt-get install postgresql-15";
            var inCi = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.Ordinal);
            Assert.SkipUnless(inCi, message);
            Assert.Fail(message);
        }

        _binaries = Path.Combine(newest, "bin");
        Directory.CreateDirectory(_directory);
        if (IsRoot)
        {
            // The server refuses to run as root.
            OutsideTool.Require("chown", "coreutils").Run(User, _directory).Succeeded();
        }

        await RunAsync("initdb", "-D", Data, "-U", User, "-A", "trust", "-E", "UTF8", "--no-locale", "-N");
    }

    private async Task RunAsync(string program, params string[] arguments)
    {
        using var process = Start(program, arguments);
        using var limit = new CancellationTokenSource(s_longest);
        await process.WaitForExitAsync(limit.Token);
        Assert.True(process.ExitCode == 0, $"{program} {string.Join(' ', arguments)} ended with {process.ExitCode}");
    }

    private Process Start(string program, params string[] arguments)
    {
        var path = Path.Combine(_binaries!, program);
        var start = new ProcessStartInfo(IsRoot ? "setpriv" : path) { WorkingDirectory = _directory };
        if (IsRoot)
        {
            foreach (var argument in new[] { $"--reuid={User}", $"--regid={User}", "--init-groups", path })
            {
                start.ArgumentList.Add(argument);
            }
        }

        foreach (var argument in arguments)
        {
            start.ArgumentList.Add(argument);
        }

        // What it says would stand among the tests' results; what goes wrong shows in the exit code.
        (start.RedirectStandardOutput, start.RedirectStandardError) = (true, true);
        var process = Process.Start(start) ?? throw new InvalidOperationException($"{program} cannot be started.");
        process.OutputDataReceived += (_, _) => { };
        process.ErrorDataReceived += (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }
}
