using System.Globalization;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Chaos.Witness.Processes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>A service lets in nobody without its API token, and its own user's clients and agents find it.</summary>
public sealed class Api_tokens : IDisposable
{
    private const UnixFileMode OwnerReadWrite = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task The_service_makes_it_at_its_first_start_and_leaves_it_where_its_user_finds_it()
    {
        await _lab.StartServiceAsync();
        var token = await File.ReadAllTextAsync(_lab.TokenFile, TestContext.Current.CancellationToken);
        Assert.Matches(@"\A[0-9a-f]{16}\.[A-Za-z0-9_-]{43}\n\z", token);
        var port = new Uri(_lab.Server).Port;
        var tokens = Path.Combine(_lab.Configuration, "drctl", "tokens");
        var left = new[] { "127.0.0.1", "localhost", "::1" }.Select(name => Path.Combine(tokens, $"{name}_{port}"));
        foreach (var file in left.Append(_lab.TokenFile))
        {
            await _lab.UntilAsync($"{file} is there", () => Task.FromResult(File.Exists(file)));
            Assert.Equal(token, await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
            Assert.Equal(OwnerReadWrite, File.GetUnixFileMode(file));
        }

        foreach (var directory in new[] { tokens, Path.GetDirectoryName(tokens)!, _lab.Configuration })
        {
            Assert.Equal(OwnerReadWrite | UnixFileMode.UserExecute, File.GetUnixFileMode(directory));
        }

        // The next start has the same one; both ways of a user's own client lead to it.
        Assert.Equal(0, _lab.Service!.Stop());
        await _lab.StartServiceAsync();
        Assert.Equal(token, await File.ReadAllTextAsync(_lab.TokenFile, TestContext.Current.CancellationToken));
        Assert.Equal(0, (await _lab.RunAsync("status")).Code);
        Assert.Equal(0, (await _lab.RunAsync("status", "--server", $"http://localhost:{port}")).Code);
        Assert.DoesNotContain(token.Trim(), _lab.Service!.Errors + _lab.Service.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_client_without_it_is_refused_with_the_files_that_were_looked_at()
    {
        await _lab.StartServiceAsync();
        var other = Path.Combine(_lab.Root, "other");
        ApiToken.Make().Write(other);
        var wrong = await _lab.RunAsync("status", "--token-file", other);
        Assert.Equal((1, ""), (wrong.Code, wrong.Output));
        Assert.Contains(other, wrong.Errors, StringComparison.Ordinal);

        var nothing = await _lab.RunAsync("status", "--token-file", Path.Combine(_lab.Root, "nothing"));
        Assert.Equal(1, nothing.Code);
        Assert.Contains(Path.Combine(_lab.Root, "nothing"), nothing.Errors, StringComparison.Ordinal);
        Assert.Single(nothing.Errors.TrimEnd().Split('\n'));

        Directory.Delete(_lab.Configuration, recursive: true);
        var lost = await _lab.RunAsync("status");
        Assert.Equal((1, ""), (lost.Code, lost.Output));
        var port = new Uri(_lab.Server).Port;
        Assert.Contains(
            Path.Combine(_lab.Configuration, "drctl", "tokens", $"127.0.0.1_{port}"), lost.Errors,
            StringComparison.Ordinal);
        Assert.Contains("--token-file", lost.Errors, StringComparison.Ordinal);
        Assert.Single(lost.Errors.TrimEnd().Split('\n'));
        Assert.Equal(0, (await _lab.RunAsync("status", "--token-file", _lab.TokenFile)).Code);
    }

    [Fact]
    public async Task An_agent_without_it_is_not_let_in_says_so_and_goes_in_once_it_has_it()
    {
        await _lab.StartServiceAsync();
        var mine = Path.Combine(_lab.Root, "mine");
        ApiToken.Make().Write(mine);
        _lab.StartAgent("--token-file", mine);
        await _lab.UntilAsync(
            "the agent says why", () => Task.FromResult(_lab.Agent!.Errors.Contains(mine, StringComparison.Ordinal)));
        Assert.Empty((await _lab.TryGetAsync("/api/v1/agents"))!.AsArray());
        File.Copy(_lab.TokenFile, mine, overwrite: true);
        await _lab.AgentConnectedAsync();
        var secret = (await File.ReadAllTextAsync(mine, TestContext.Current.CancellationToken)).Trim();
        Assert.DoesNotContain(secret, _lab.Logs(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Through_a_forwarded_port_the_token_is_found_by_the_name_that_the_service_gives_it()
    {
        await _lab.StartServiceAsync();
        await using var forwarded = new ForwardedPort(new Uri(_lab.Server).Port);
        Assert.Equal(0, (await _lab.RunAsync("status", "--server", forwarded.Url)).Code);
        _lab.StartAgent("--server", forwarded.Url);
        await _lab.AgentConnectedAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
    }

    [Fact]
    public async Task Without_a_home_the_token_is_only_in_the_data_directory_and_the_log_says_so()
    {
        using var service = ChildProcess.Start(
            Lab.Program, new Dictionary<string, string> { ["HOME"] = "", ["XDG_CONFIG_HOME"] = "" },
            ["serve", "--data", _lab.ServiceData, "--listen", _lab.Server]);
        await _lab.UntilAsync(
            "the service responds", async () => await _lab.TryGetAsync("/api/v1/agents") is not null);
        await _lab.UntilAsync(
            "the log says where the token is",
            () => Task.FromResult(service.Errors.Contains(_lab.TokenFile, StringComparison.Ordinal)));
        Assert.Equal(1, (await _lab.RunAsync("status")).Code);
        Assert.Equal(0, (await _lab.RunAsync("status", "--token-file", _lab.TokenFile)).Code);
    }

    [Theory]
    [InlineData("serve")]
    [InlineData("agent")]
    public void A_token_in_the_argument_list_is_refused_and_not_repeated(string command)
    {
        using var process = _lab.Start(command, "--data", Path.Combine(_lab.Root, "x"), "--token", "s3cret");
        Assert.Equal(2, process.WaitForExit());
        Assert.Contains(
            command == "serve" ? "api-token" : "--token-file", process.Errors, StringComparison.Ordinal);
        Assert.DoesNotContain("s3cret", process.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Two_services_at_once_have_tokens_of_their_own()
    {
        await _lab.StartServiceAsync();
        var port = LoopbackPorts.Free().ToString(CultureInfo.InvariantCulture);
        var second = $"http://127.0.0.1:{port}";
        using var other = _lab.Start("serve", "--data", Path.Combine(_lab.Root, "second"), "--listen", second);
        await _lab.UntilAsync(
            "the second answers", async () => (await _lab.RunAsync("status", "--server", second)).Code == 0);
        Assert.Equal(0, (await _lab.RunAsync("status")).Code);
        Assert.NotEqual(
            ApiToken.Read(_lab.TokenFile).Id, ApiToken.Read(Path.Combine(_lab.Root, "second", "api-token")).Id);
    }
}
