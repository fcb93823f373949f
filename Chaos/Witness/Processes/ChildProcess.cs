using System.Diagnostics;
using System.Globalization;
using System.Text;

namespace ReplicationEngine.Chaos.Witness.Processes;

/// <summary>A child process: its output is collected, and it is killed by its id on disposal.</summary>
public sealed class ChildProcess : IDisposable
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    private readonly Process _process;
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();
    private bool _disposed;

    private ChildProcess(Process process)
    {
        _process = process;
        _process.OutputDataReceived += (_, e) => Append(_output, e.Data);
        _process.ErrorDataReceived += (_, e) => Append(_errors, e.Data);
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>The process id.</summary>
    public int Id => _process.Id;

    /// <summary>Whether the process has ended.</summary>
    public bool HasExited => _process.HasExited;

    /// <summary>The exit code; available once the process has ended.</summary>
    public int ExitCode => _process.ExitCode;

    /// <summary>The output on stdout so far.</summary>
    public string Output => Text(_output);

    /// <summary>The output on stderr so far.</summary>
    public string Errors => Text(_errors);

    /// <summary>Starts a program.</summary>
    public static ChildProcess Start(string program, params IEnumerable<string> arguments) =>
        Start(program, new Dictionary<string, string>(StringComparer.Ordinal), arguments);

    /// <summary>
    /// Starts a program with environment variables. drctl's own variables are not inherited from this process.
    /// </summary>
    public static ChildProcess Start(
        string program, IReadOnlyDictionary<string, string> environment, IEnumerable<string> arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // The started program uses this process's runtime, wherever it is installed.
        start.Environment["DOTNET_ROOT"] = Path.GetFullPath(
            Path.Combine(System.Runtime.InteropServices.RuntimeEnvironment.GetRuntimeDirectory(), "../../.."));
        foreach (var name in new[] { "DRCTL_SERVER", "DRCTL_TOKEN_FILE", "DRCTL_ALLOW" })
        {
            start.Environment.Remove(name);
        }

        foreach (var (name, value) in environment)
        {
            start.Environment[name] = value;
        }

        return new ChildProcess(Process.Start(start)
            ?? throw new InvalidOperationException($"{program} did not start."));
    }

    /// <summary>Kills the process (SIGKILL) and waits until it is gone.</summary>
    public void Kill()
    {
        if (!_process.HasExited)
        {
            _process.Kill();
        }

        if (!_process.WaitForExit(Patience))
        {
            throw new TimeoutException($"Process {_process.Id} outlived SIGKILL by {Patience}.");
        }
    }

    /// <summary>Suspends the process (SIGSTOP): it does nothing, and keeps everything open.</summary>
    public void Halt() => Signal("STOP");

    /// <summary>Resumes a suspended process (SIGCONT).</summary>
    public void GoOn() => Signal("CONT");

    /// <summary>Requests a clean shutdown (SIGTERM), waits for the end, and returns the exit code.</summary>
    public int Stop()
    {
        Signal("TERM");
        return WaitForExit();
    }

    /// <summary>Waits until the process has ended on its own; returns its exit code.</summary>
    public int WaitForExit() => WaitForExit(Patience);

    /// <summary>Waits until the process has ended on its own; returns its exit code.</summary>
    /// <exception cref="TimeoutException">The process has not ended within <paramref name="patience"/>.</exception>
    public int WaitForExit(TimeSpan patience)
    {
        if (!_process.WaitForExit(patience))
        {
            throw new TimeoutException($"Process {_process.Id} did not end within {patience}: {Errors}");
        }

        _process.WaitForExit();
        return _process.ExitCode;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (_disposed)
        {
            return;
        }

        _disposed = true;
        Kill();
        _process.Dispose();
    }

    private void Signal(string name)
    {
        var id = _process.Id.ToString(CultureInfo.InvariantCulture);
        using var kill = Process.Start("/bin/kill", ["-" + name, id]);
        kill.WaitForExit();
        if (kill.ExitCode != 0 && !_process.HasExited)
        {
            throw new InvalidOperationException($"SIG{name} could not be sent to process {id}.");
        }
    }

    private static void Append(StringBuilder text, string? line)
    {
        lock (text)
        {
            _ = line is null ? text : text.AppendLine(line);
        }
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
        {
            return text.ToString();
        }
    }
}
