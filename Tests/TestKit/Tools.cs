using System.Diagnostics;
using Xunit;

namespace ReplicationEngine.Tests.TestKit;

/// <summary>What a program printed and how it ended.</summary>
public sealed record ToolResult(int ExitCode, string Output, string Errors)
{
    /// <summary>The output of a program that has to succeed.</summary>
    public string Succeeded()
    {
        Assert.True(ExitCode == 0, $"exit code {ExitCode}\n{Output}\n{Errors}");
        return Output;
    }
}

/// <summary>
/// A program of somebody else's that judges ours. Where it is not installed, the test is skipped with the package's
/// name; in CI that is a failure, so that nothing goes untested unnoticed.
/// </summary>
public sealed class OutsideTool
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(50);

    private readonly string _path;

    private OutsideTool(string path) => _path = path;

    /// <summary>Finds a program on the search path.</summary>
    public static OutsideTool Require(string program, string aptPackage)
    {
        var path = (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/bin").Split(':')
            .Select(d => Path.Combine(d, program))
            .FirstOrDefault(File.Exists);
        if (path is null)
        {
            var message = $"{program} is not installed: apt-get install {aptPackage}";
            var inCi = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.Ordinal);
            Assert.SkipUnless(inCi, message);
            Assert.Fail(message);
        }

        return new OutsideTool(path);
    }

    /// <summary>Runs it to its end and returns what it printed.</summary>
    public ToolResult Run(params string[] arguments) => Run("", arguments);

    /// <summary>Runs it with text on its standard input.</summary>
    public ToolResult Run(string input, string[] arguments)
    {
        using var process = Start(arguments);
        process.StandardInput.Write(input);
        process.StandardInput.Close();
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        if (!process.WaitForExit(Patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{_path} {string.Join(' ', arguments)} did not end within {Patience}");
        }

        return new ToolResult(process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    /// <summary>Starts it with all its streams redirected; the caller ends it.</summary>
    public Process Start(params string[] arguments)
    {
        var start = new ProcessStartInfo(_path, arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };

        // Python tools start "python3" from the path, and the system's own is the one that has their modules.
        start.Environment["PATH"] = "/usr/bin:" + Environment.GetEnvironmentVariable("PATH");
        return Process.Start(start) ?? throw new InvalidOperationException($"{_path} did not start.");
    }
}
