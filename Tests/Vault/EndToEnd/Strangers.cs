using System.Net;
using System.Net.Sockets;
using System.Text;
using ReplicationEngine.Agent.Protocol.Access;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>What somebody gets who connects without a right to.</summary>
public sealed class Strangers : IDisposable
{
    private const int Many = 300;
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    [Trait("Req", "S3")]
    public async Task Hundreds_of_idle_connections_hold_up_no_agent_and_are_gone_soon()
    {
        await _lab.StartServiceAsync();
        var idle = new List<Socket>();
        try
        {
            for (var i = 0; i < Many; i++)
            {
                idle.Add(await ConnectAsync(upgrade: i % 2 == 0));
            }

            // Compared with the time that a start of drctl takes on this machine at this moment.
            var began = TimeProvider.System.GetTimestamp();
            await _lab.StartAgentAsync();
            var took = TimeProvider.System.GetElapsedTime(began);
            TestContext.Current.SendDiagnosticMessage($"connected after {took.TotalSeconds:0.00} s");
            Assert.True(took.TotalSeconds < 15, $"the agent was connected after {took.TotalSeconds:0.0} s");

            await Task.WhenAll(idle.Select(async socket =>
            {
                using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(40), TimeProvider.System);
                await EndedAsync(socket, limit.Token);
            }));
            Assert.True((bool)(await _lab.TryGetAsync("/api/v1/agents"))!.AsArray()[0]!["connected"]!);
        }
        finally
        {
            idle.ForEach(socket => socket.Dispose());
        }
    }

    [Fact]
    [Trait("Req", "S21")]
    public async Task Secrets_stand_in_no_log_argument_or_environment()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        await _lab.AskAsync("failover", "web", "--kind", "unplanned");
        await _lab.AskAsync("cancel", "web");
        await vm.InSyncAsync();
        _lab.Agent!.Stop();
        _lab.StartAgent();
        await vm.SourceUrisAsync();

        var secrets = Canaries();
        Assert.True(secrets.Count >= 2);
        foreach (var (where, bytes) in Places())
        {
            Assert.All(secrets, secret => Assert.All(Forms(secret.Value), form => Assert.True(
                bytes.AsSpan().IndexOf(form) < 0, $"{secret.Key} stands in {where}")));
        }
    }

    // The VM's data key, the agent's private key, and, where there is one, the API's token.
    private Dictionary<string, byte[]> Canaries()
    {
        var secrets = new Dictionary<string, byte[]>(StringComparer.Ordinal)
        {
            ["the data key"] = File.ReadAllBytes(Path.Combine(_lab.ServiceData, "vms", "web", "key")),
        };
        using var key = System.Security.Cryptography.ECDsa.Create();
        key.ImportFromPem(File.ReadAllText(Path.Combine(_lab.AgentData, "identity")));
        secrets["the agent's private key"] = key.ExportParameters(includePrivateParameters: true).D!;
        foreach (var token in Directory.EnumerateFiles(_lab.Root, "*token*", SearchOption.AllDirectories))
        {
            secrets[token] = Encoding.UTF8.GetBytes(File.ReadAllText(token).Trim());
        }

        return secrets;
    }

    private static IEnumerable<byte[]> Forms(byte[] secret) =>
    [
        secret, Encoding.ASCII.GetBytes(Convert.ToHexString(secret)),
        Encoding.ASCII.GetBytes(Convert.ToHexStringLower(secret)),
        Encoding.ASCII.GetBytes(Convert.ToBase64String(secret).TrimEnd('=')[..^1]),
    ];

    private IEnumerable<(string Where, byte[] Bytes)> Places()
    {
        foreach (var process in new[] { _lab.Service!, _lab.Agent! })
        {
            yield return ("a log", Encoding.UTF8.GetBytes(process.Output + process.Errors));
            yield return ("an argument list", File.ReadAllBytes($"/proc/{process.Id}/cmdline"));
            yield return ("an environment", File.ReadAllBytes($"/proc/{process.Id}/environ"));
        }

        foreach (var path in Directory.EnumerateFiles(_lab.Root, "*", SearchOption.AllDirectories))
        {
            var file = new FileInfo(path);
            if (file.LinkTarget is null && file.Length > 0 && (file.UnixFileMode & Others) != 0)
            {
                yield return (path, File.ReadAllBytes(path));
            }
        }
    }

    private const UnixFileMode Others = UnixFileMode.GroupRead | UnixFileMode.OtherRead;

    private async Task<Socket> ConnectAsync(bool upgrade)
    {
        var server = new Uri(_lab.Server);
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(IPAddress.Loopback, server.Port);
        if (upgrade)
        {
            await socket.SendAsync(Encoding.ASCII.GetBytes(
                $"GET /agent/control HTTP/1.1\r\nHost: {server.Authority}\r\nConnection: Upgrade\r\n"
                + $"{Authorization()}Upgrade: replication-control/2\r\n\r\n"));
        }

        return socket;
    }

    private string Authorization() => $"Authorization: {ApiToken.Read(_lab.TokenFile).Authorization}\r\n";

    private static async Task EndedAsync(Socket socket, CancellationToken cancellationToken)
    {
        try
        {
            var buffer = new byte[1024];
            while (await socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken) > 0)
            {
            }
        }
        catch (SocketException)
        {
            // Reset: it is over too.
            return;
        }
    }
}
