using System.Diagnostics;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary><c>scripts/proved</c>: a requirement counts as proved only when one of its tests ran and passed.</summary>
public sealed class Proved_requirements : IDisposable
{
    private readonly string _results = Directory.CreateTempSubdirectory("drctl-proved-").FullName;

    public void Dispose() => Directory.Delete(_results, recursive: true);

    [Fact]
    public void Without_results_every_one_is_named()
    {
        var (code, errors) = Judge();
        Assert.Equal(1, code);
        Assert.Contains("SCN-11 is called proved", errors, StringComparison.Ordinal);
        Assert.Contains("I1 is called proved", errors, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("Pass", false)]
    [InlineData("Skip", true)]
    [InlineData("Fail", true)]
    public void Only_a_test_that_passed_proves_one(string result, bool named)
    {
        File.WriteAllText(Path.Combine(_results, "some.xml"), $"""
            <assemblies><assembly><collection>
            <test name="A" result="{result}"><traits><trait name="Req" value="I1" /></traits></test>
            </collection></assembly></assemblies>
            """);
        Assert.Equal(named, Judge().Errors.Contains("I1 is called proved", StringComparison.Ordinal));
    }

    private (int Code, string Errors) Judge()
    {
        var start = new ProcessStartInfo("python3", [Path.Combine(Repository.Root, "scripts/proved"), _results])
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
        };
        using var process = Process.Start(start)!;
        process.StandardOutput.ReadToEnd();
        var errors = process.StandardError.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, errors);
    }
}
