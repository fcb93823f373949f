using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>Wrong command lines: exit code 2, one sentence that names the value and the remedy, nothing sent, nothing
/// on stdout.</summary>
public sealed class Bad_usage
{
    [Theory]
    [InlineData("", "No command was given", "drctl --help")]
    [InlineData("explode", "explode", "drctl --help")]
    [InlineData("status vm1 --bogus", "--bogus", "drctl status --help")]
    [InlineData("protect vm1", "--disk", "drctl protect --help")]
    [InlineData("failover vm1", "--kind", "drctl failover --help")]
    [InlineData("failover vm1 --kind sideways", "sideways", "planned")]
    [InlineData("failover vm1 --kind test --force", "--force", "--kind planned")]
    [InlineData("points", "NAME", "drctl points --help")]
    [InlineData("points ../../etc", "'../../etc' is not a valid VM name", "letters, digits")]
    [InlineData("status a/b", "'a/b' is not a valid VM name", "letters, digits")]
    [InlineData(
        "status vm1 --server nonsense", "'nonsense' is not the URL of a server", "http://127.0.0.1:7443 for --server")]
    [InlineData("status vm1 --server ftp://host", "'ftp://host' is not the URL of a server", "http://127.0.0.1:7443")]
    [InlineData("status vm1 --server http://host/path", "'http://host/path' is not the URL", "http://127.0.0.1:7443")]
    [InlineData("serve --data d --listen here", "'here' is not the URL of a server", "--listen")]
    [InlineData("serve --data d --listen http://0.0.0.0:7443", "'http://0.0.0.0:7443/' is not a loopback", "127.0.0.1")]
    [InlineData("serve", "--data", "drctl serve --help")]
    [InlineData("agent --data d --cache-limit 5xb", "'5xb' is not a size", "such as 512MiB")]
    [InlineData("agent --data d --cache-limit 0MiB", "'0MiB' is not a size", "such as 512MiB")]
    [InlineData("agent --data d --cache-limit 99999999999TiB", "'99999999999TiB' is not a size", "such as 512MiB")]
    public async Task A_wrong_command_line_is_named_with_its_remedy(string line, string names, string remedy)
    {
        var drctl = new Drctl("http://127.0.0.1:1");
        var code = await drctl.RunAsync(line.Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains(names, drctl.Errors, StringComparison.Ordinal);
        Assert.Contains(remedy, drctl.Errors, StringComparison.Ordinal);
        Assert.Single(drctl.Errors.TrimEnd().Split('\n'));
        Assert.Empty(drctl.Output);
    }

    [Fact]
    public async Task A_wrong_server_variable_is_named()
    {
        var drctl = new Drctl("localhost:7443");
        Assert.Equal(ExitCodes.Usage, await drctl.RunAsync("status"));
        Assert.Contains("'localhost:7443' is not the URL of a server", drctl.Errors, StringComparison.Ordinal);
        Assert.Contains("DRCTL_SERVER", drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Help_is_not_an_error()
    {
        var drctl = new Drctl("http://127.0.0.1:1");
        Assert.Equal(ExitCodes.Done, await drctl.RunAsync("protect", "--help"));
        Assert.Contains("--disk", drctl.Output, StringComparison.Ordinal);
    }
}
