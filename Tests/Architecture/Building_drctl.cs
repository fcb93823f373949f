using System.Diagnostics;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>
/// <c>./drctl</c> never runs a program older than its sources. The script runs in a copy of the tree that holds the
/// project files and one source file each, with a stand-in for <c>dotnet</c> that counts builds.
/// </summary>
public sealed class Building_drctl : IDisposable
{
    private const int MostPrograms = 30;

    private readonly string _root = Directory.CreateTempSubdirectory("drctl-build-").FullName;

    public Building_drctl()
    {
        foreach (var file in Repository.Files.Where(f =>
            f.EndsWith(".csproj") && !f.StartsWith("Tests/") && !f.StartsWith("samples/")))
        {
            Directory.CreateDirectory(Path.Combine(_root, Path.GetDirectoryName(file)!, "Deep"));
            File.WriteAllText(Path.Combine(_root, file), Repository.Read(file));
            File.WriteAllText(SourceOf(Path.GetDirectoryName(file)!), "first");
        }

        foreach (var file in Repository.Files.Where(f => !f.Contains('/')))
        {
            File.Copy(Path.Combine(Repository.Root, file), Path.Combine(_root, file));
        }

        Directory.CreateDirectory(Path.Combine(_root, "stand-in"));
        Executable("stand-in/dotnet", """
            #!/usr/bin/env bash
            if [[ $1 == publish ]]; then
              echo "$2" >>"$BUILDS"
              while [[ $1 != -o ]]; do shift; done
              mkdir -p "$2"
              for name in drctl drctl-simulate drctl-chaos; do install -m 755 /dev/null "$2/$name"; done
            fi
            """);
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("Vault/Cli", "--version")]
    [InlineData("Simulation", "simulate")]
    [InlineData("Chaos", "chaos")]
    public void A_change_in_any_project_that_goes_into_a_program_builds_it_again(string project, string argument)
    {
        Run(argument);
        var parts = Closure(project);
        Assert.True(
            project != "Vault/Cli" || parts.Contains("Orchestration"), "the reading of project files is broken");
        foreach (var part in parts)
        {
            var before = Builds(project);
            File.WriteAllText(SourceOf(part), "second and longer");
            Run(argument);
            Assert.True(Builds(project) == before + 1, $"a change in {part} did not build {project}");
            Run(argument);
            Assert.True(Builds(project) == before + 1, $"{project} was built without a change");
        }
    }

    [Theory]
    [InlineData("Directory.Packages.props")]
    [InlineData("global.json")]
    [InlineData(".editorconfig")]
    [InlineData("BannedSymbols.txt")]
    public void A_change_in_what_all_projects_share_builds_again(string file)
    {
        Run("--version");
        File.AppendAllText(Path.Combine(_root, file), "\n");
        Run("--version");
        Assert.Equal(2, Builds("Vault/Cli"));
    }

    [Fact]
    public void A_new_and_a_deleted_file_build_again()
    {
        Run("--version");
        var added = Path.Combine(_root, "Orchestration", "Deep", "Added.cs");
        File.WriteAllText(added, "new");
        Run("--version");
        File.Delete(added);
        Run("--version");
        Assert.Equal(3, Builds("Vault/Cli"));
    }

    [Fact]
    public void A_reference_to_a_folder_that_is_missing_is_an_error()
    {
        Directory.Delete(Path.Combine(_root, "Orchestration"), recursive: true);
        var (code, errors) = Invoke(Path.Combine(_root, "drctl"), ["--version"]);
        Assert.Equal(1, code);
        Assert.Contains("Orchestration", errors, StringComparison.Ordinal);
    }

    /// <summary>What makes a call slow is the programs that it starts, so they are counted.</summary>
    [Fact]
    public void A_call_without_a_change_starts_few_programs()
    {
        Run("--version");
        var trace = Path.Combine(_root, "trace");
        var (code, errors) = Invoke(
            "strace", ["-f", "-qq", "-e", "trace=execve", "-e", "signal=none", "-o", trace,
                Path.Combine(_root, "drctl"), "--version"]);
        Assert.True(code == 0, errors);

        var started = File.ReadLines(trace).Count(line => line.EndsWith(" = 0", StringComparison.Ordinal));
        Assert.InRange(started, 3, MostPrograms);
        Assert.Equal(1, Builds("Vault/Cli"));
    }

    private static HashSet<string> Closure(string project)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        var queue = new Queue<string>([project]);
        while (queue.TryDequeue(out var part))
        {
            if (seen.Add(part))
            {
                Repository.ProjectsReferredToBy(part).ToList().ForEach(queue.Enqueue);
            }
        }

        return seen;
    }

    private string SourceOf(string part) => Path.Combine(_root, part, "Deep", "Source.cs");

    private int Builds(string project) => File.Exists(BuildList)
        ? File.ReadAllLines(BuildList).Count(l => l.EndsWith($"/{project}", StringComparison.Ordinal)) : 0;

    private string BuildList => Path.Combine(_root, "builds");

    private void Run(string argument)
    {
        var (code, errors) = Invoke(Path.Combine(_root, "drctl"), [argument]);
        Assert.True(code == 0, errors);
    }

    private (int Code, string Errors) Invoke(string program, string[] arguments)
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        start.Environment["PATH"] = $"{Path.Combine(_root, "stand-in")}:{start.Environment["PATH"]}";
        start.Environment["BUILDS"] = BuildList;
        start.Environment.Remove("DRCTL_NO_BUILD");
        using var process = Process.Start(start)!;
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors);
    }

    private void Executable(string name, string text)
    {
        var path = Path.Combine(_root, name);
        File.WriteAllText(path, text);
        if (!OperatingSystem.IsWindows())
        {
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        }
    }
}
