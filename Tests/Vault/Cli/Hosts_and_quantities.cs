using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Vault.Cli;
using ReplicationEngine.Wording;
using Xunit;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary><c>serve</c> and <c>agent</c> hand over what was typed; quantities read as people expect.</summary>
public sealed class Hosts_and_quantities
{
    [Fact]
    public async Task Serve_hands_over_its_options()
    {
        ServeOptions? seen = null;
        var drctl = new Drctl("http://127.0.0.1:1")
        {
            Serve = (options, _) =>
            {
                seen = options;
                return Task.CompletedTask;
            },
        };
        drctl.Variables["HOME"] = "/home/me";
        Assert.Equal(0, await drctl.RunAsync(
            "serve", "--data", "vault", "--listen", "http://127.0.0.1:8080", "--host-name", "dr.example.org",
            "[fe80::1]"));
        Assert.Equal(("/here/vault", new Uri("http://127.0.0.1:8080")), (seen!.Data, seen.Listen));
        Assert.Equal(["dr.example.org", "fe80::1"], seen.HostNames);
        Assert.Equal("/home/me/.config/drctl/tokens", seen.Tokens!.Path);
        drctl.Variables.Remove("HOME");
        Assert.Equal(0, await drctl.RunAsync("serve", "--data", "/vault"));
        Assert.Equal(("/vault", new Uri("http://127.0.0.1:7443")), (seen.Data, seen.Listen));
        Assert.Empty(seen.HostNames);
        Assert.Null(seen.Tokens);
        drctl.Variables["XDG_CONFIG_HOME"] = "/conf";
        Assert.Equal(0, await drctl.RunAsync("serve", "--data", "/vault"));
        Assert.Equal("/conf/drctl/tokens", seen.Tokens!.Path);
    }

    [Fact]
    public async Task A_host_that_is_busy_starting_leaves_the_command_line_free_to_hear_signals()
    {
        using var handedBack = new ManualResetEventSlim();
        var drctl = new Drctl("http://127.0.0.1:1")
        {
            Serve = (_, _) => handedBack.Wait(TimeSpan.FromSeconds(10), CancellationToken.None)
                ? Task.CompletedTask : Task.FromException(new IOException("not handed back")),
        };
        var running = drctl.RunAsync("serve", "--data", "vault");
        handedBack.Set();
        Assert.Equal(0, await running);
    }

    [Fact]
    public async Task Agent_hands_over_its_options()
    {
        AgentOptions? seen = null;
        var drctl = new Drctl("http://127.0.0.1:9")
        {
            Agent = (options, _) =>
            {
                seen = options;
                return Task.CompletedTask;
            },
        };
        Assert.Equal(0, await drctl.RunAsync("agent", "--data", "/a"));
        Assert.Equal(
            new AgentOptions(new Uri("http://127.0.0.1:9"), "/a", null, seen!.Token, [], null, null, null, false),
            seen with { Allowed = [] });
        Assert.Empty(seen.Allowed);
        Assert.Null(seen.Token.File);
        var token = Path.GetTempFileName();
        ApiToken.Make().Write(token);
        Assert.Equal(0, await drctl.RunAsync(
            "agent", "--server", "http://host:1", "--data", "a", "--name", "n", "--token-file", token, "--cache-limit",
            "64MiB", "--hooks", "hooks", "--nbd-socket", "/run/n.sock", "--start-alone", "--allow", "/srv", "disks"));
        Assert.Equal(["/srv", "/here/disks"], seen.Allowed);
        Assert.Equal(token, seen.Token.File);
        Assert.Equal(
            new AgentOptions(
                new Uri("http://host:1"), "/here/a", "n", seen.Token, seen.Allowed, 64 << 20, "/here/hooks",
                "/run/n.sock", true),
            seen);
        File.Delete(token);
    }

    [Fact]
    public async Task What_an_agent_may_serve_also_comes_from_the_environment_where_no_option_says_it()
    {
        AgentOptions? seen = null;
        var drctl = new Drctl("http://127.0.0.1:9")
        {
            Agent = (options, _) =>
            {
                seen = options;
                return Task.CompletedTask;
            },
        };
        drctl.Variables["DRCTL_ALLOW"] = "/srv::/dev/vg";
        Assert.Equal(0, await drctl.RunAsync("agent", "--data", "/a"));
        Assert.Equal(["/srv", "/dev/vg"], seen!.Allowed);
        Assert.Equal(0, await drctl.RunAsync("agent", "--data", "/a", "--allow", "/other"));
        Assert.Equal(["/other"], seen.Allowed);
    }

    [Fact]
    public async Task A_token_file_that_holds_none_is_told_before_the_agent_starts()
    {
        var drctl = new Drctl("http://127.0.0.1:9");
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("agent", "--data", "/a", "--token-file", "/nowhere/t"));
        Assert.Contains("/nowhere/t", drctl.Errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task What_the_machine_refuses_is_one_sentence()
    {
        var drctl = new Drctl("http://127.0.0.1:9")
        {
            Serve = (_, _) => throw new IOException("The directory /vault is in use by another server."),
            Agent = (_, _) => throw new CommandFailedException(ExitCodes.Unreachable, "No service at x."),
        };
        Assert.Equal(ExitCodes.Refused, await drctl.RunAsync("serve", "--data", "/vault"));
        Assert.Equal(ExitCodes.Unreachable, await drctl.RunAsync("agent", "--data", "/a"));
        Assert.Equal("The directory /vault is in use by another server.\nNo service at x.\n", drctl.Errors);
    }

    [Theory]
    [InlineData("1", 1)]
    [InlineData("64KiB", 65536)]
    [InlineData("64 kib", 65536)]
    [InlineData("512MiB", 536870912)]
    [InlineData("8GiB", 8589934592)]
    [InlineData("2TiB", 2199023255552)]
    [InlineData("10B", 10)]
    public void Sizes_take_binary_suffixes(string text, long expected)
    {
        Assert.True(InputText.TrySize(text, out var bytes, out _));
        Assert.Equal(expected, bytes);
    }

    [Theory]
    [InlineData(0, "0 B")]
    [InlineData(999, "999 B")]
    [InlineData(1000, "1.0 KiB")]
    [InlineData(1536, "1.5 KiB")]
    [InlineData(268435456, "256 MiB")]
    [InlineData(1L << 40, "1.0 TiB")]
    public void Bytes_have_three_digits_at_most(long bytes, string expected) =>
        Assert.Equal(expected, Readable.Bytes(bytes));

    [Theory]
    [InlineData(0, "0 s")]
    [InlineData(0.9999, "1.0 s")]
    [InlineData(0.25, "250 ms")]
    [InlineData(9.94, "9.9 s")]
    [InlineData(59, "59 s")]
    [InlineData(60, "1 min")]
    [InlineData(184, "3 min 4 s")]
    [InlineData(3599.8, "1 h")]
    [InlineData(86400, "1 d")]
    [InlineData(90000, "1 d 1 h")]
    public void Durations_name_their_two_largest_units(double seconds, string expected) =>
        Assert.Equal(expected, Readable.Duration(seconds));

    [Theory]
    [InlineData(0, "░░░░")]
    [InlineData(99.9, "███░")]
    [InlineData(100, "████")]
    public void A_bar_is_full_only_at_the_end(double percent, string expected) =>
        Assert.Equal(expected, Readable.Bar(percent, 4));
}
