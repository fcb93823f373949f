using ReplicationEngine.Chaos.Witness.Processes;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>Commands that are programs of their own, in directories next to drctl.</summary>
public sealed class Programs_beside_drctl : IDisposable
{
    private readonly DirectoryInfo _chaos = Directory.CreateDirectory(Path.Combine(AppContext.BaseDirectory, "chaos"));

    public void Dispose() => _chaos.Delete(recursive: true);

    [Fact]
    public async Task Stand_in_the_list_of_commands()
    {
        var drctl = new Drctl("http://127.0.0.1:1");
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("--help"));
        Assert.Contains("  simulate ", drctl.Output, StringComparison.Ordinal);
        Assert.Contains("  chaos ", drctl.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task One_that_is_missing_is_named_with_what_builds_it()
    {
        var drctl = new Drctl("http://127.0.0.1:1");
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("simulate", "--help"));
        Assert.Contains("simulate/drctl-simulate is not there; run `./drctl simulate`", drctl.Errors,
            StringComparison.Ordinal);
        Assert.Single(drctl.Errors.TrimEnd().Split('\n'));
    }

    [Fact]
    public async Task One_that_is_there_gets_all_that_follows_its_name_and_its_exit_code_is_drctls()
    {
        var program = Path.Combine(_chaos.FullName, "drctl-chaos");
        await File.WriteAllTextAsync(
            program, "#!/bin/sh\nprintf '%s|' \"$@\"\nexit 7\n", TestContext.Current.CancellationToken);
        Assert.Equal(0, OutsideTool.Require("chmod", "coreutils").Run("755", program).ExitCode);
        using var drctl = ChildProcess.Start(
            Path.Combine(AppContext.BaseDirectory, "drctl"), ["chaos", "--help", "ein Wört", "--json"]);
        Assert.Equal(7, drctl.WaitForExit());
        Assert.Equal("--help|ein Wört|--json|", drctl.Output.TrimEnd());
    }
}
