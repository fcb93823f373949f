using System.Diagnostics;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>The demo judges recovered images with programs of its own; those are judged here.</summary>
public sealed class The_demos_own_judges
{
    [Fact]
    [Trait("Req", "I4")]
    [Trait("Req", "I21")]
    public async Task The_demos_checker_sees_every_planted_fault_and_its_writer_keeps_a_true_log()
    {
        var script = Path.Combine(Root(), "Demo", "selftest");
        foreach (var (program, package) in new[]
        {
            ("/usr/bin/nbdkit", "nbdkit"), ("/usr/bin/nbdsh", "libnbd-bin and python3-libnbd"),
                ("/sbin/mke2fs", "e2fsprogs"),
        })
        {
            Assert.SkipUnless(File.Exists(program), $"install {package}");
        }

        var start = new ProcessStartInfo("/usr/bin/python3", ["-B", script]) { RedirectStandardError = true };
        start.Environment["PATH"] = $"/usr/bin:/sbin:{Environment.GetEnvironmentVariable("PATH")}";
        using var process = Process.Start(start)!;
        var output = await process.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await process.WaitForExitAsync(TestContext.Current.CancellationToken);
        Assert.True(process.ExitCode == 0, output);
        Assert.Matches(@"Ran [1-9]\d* tests", output);
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ReplicationEngine.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return folder;
    }
}
