using System.Diagnostics;
using System.Net.Sockets;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Chaos.Witness.Writes;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>
/// The agent is restarted under machines that write: their NBD client reconnects and they go on (B7).
/// </summary>
public sealed class Restarted_agents : IDisposable
{
    private const int Vms = 4;
    private readonly Lab _lab = new();

    public void Dispose() => _lab.Dispose();

    [Fact]
    public async Task With_a_socket_of_its_own_it_is_back_before_qemu_gives_up()
    {
        await _lab.StartServiceAsync();
        await _lab.StartAgentAsync();
        var vms = await ProtectAsync();
        using var guest = Guest.On(Path.Combine(_lab.AgentData, "nbd.sock"), "web0-0");
        await guest.WriteAsync(_lab);

        var began = TimeProvider.System.GetTimestamp();
        Assert.Equal(0, _lab.Agent!.Stop());
        var stopped = TimeProvider.System.GetElapsedTime(began);
        _lab.StartAgent();
        await ServedAsync(vms);
        var back = TimeProvider.System.GetElapsedTime(began);
        TestContext.Current.SendDiagnosticMessage(
            $"stopped after {stopped.TotalSeconds:0.00} s, {Vms} VMs served after {back.TotalSeconds:0.00} s");

        await guest.WriteAsync(_lab);
        Assert.True(back.TotalSeconds < 20, $"{Vms} VMs were served after {back.TotalSeconds:0.0} s\n{_lab.Logs()}");
    }

    [Fact]
    public async Task With_a_socket_that_is_handed_over_a_machine_rides_over_many_restarts()
    {
        await _lab.StartServiceAsync();
        var socket = Path.Combine(_lab.Root, "handed.sock");
        using var holder = HandedOverSocket.Start(_lab, socket, _lab.AgentArguments(_lab.Server));
        await _lab.UntilAsync(
            "the agent is connected", async () => await ConnectedAsync(), detail: () => holder.Errors);
        var vms = await ProtectAsync();
        using var guest = Guest.On(socket, "web0-0");
        await guest.WriteAsync(_lab);

        for (var restart = 0; restart < 3; restart++)
        {
            await holder.RestartAsync(_lab);
            await guest.WriteAsync(_lab);
        }

        await ServedAsync(vms);
        Assert.True(File.Exists(socket));
        await vms[0].InSyncAsync();
        var images = await vms[0].TestImagesAsync(await vms[0].PointAsync());
        Assert.All(images[0].Take(Guest.WriteBytes), b => Assert.Equal(guest.Pattern, b));
    }

    [Fact]
    public async Task By_the_unit_that_is_printed_it_serves_disks_without_a_home()
    {
        await _lab.StartServiceAsync();
        var socket = Path.Combine(_lab.Root, "handed.sock");
        var start = PrintedText.Lines("docs/RESTARTS.md", "A socket that outlives the agent")
            .Single(line => line.StartsWith("ExecStart=", StringComparison.Ordinal))["ExecStart=".Length..];
        using var holder = HandedOverSocket.StartCommand(
            _lab, socket,
            ["/usr/bin/env", "-u", "HOME", "-u", "XDG_CONFIG_HOME", .. start
                .Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Meant)]);
        await _lab.UntilAsync("the agent is connected", ConnectedAsync, detail: () => holder.Errors);
        var vm = LabVm.Make(_lab, "web", disks: 1, mebibytes: 8);
        await vm.ProtectAsync();
        var uri = Assert.Single(await vm.SourceUrisAsync());
        Assert.Contains(Uri.EscapeDataString("handed.sock"), uri, StringComparison.Ordinal);
        WriteOrderCheck.Equal(vm.Bases[0], NbdImages.Read(uri), "the disk through the socket that was handed over");
    }

    private string Meant(string word) => word switch
    {
        "/usr/local/bin/drctl" => Lab.Program,
        "http://127.0.0.1:7443" => _lab.Server,
        "/var/lib/drctl-agent" => _lab.AgentData,
        "/srv" => _lab.SiteA,
        "/etc/drctl/api-token" => _lab.TokenFile,
        _ => word,
    };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task No_client_that_comes_while_it_stops_is_told_that_the_disk_is_not_there(bool handedOver)
    {
        await _lab.StartServiceAsync();
        var socket = handedOver ? Path.Combine(_lab.Root, "handed.sock") : Path.Combine(_lab.AgentData, "nbd.sock");
        using var holder = handedOver
            ? HandedOverSocket.Start(_lab, socket, _lab.AgentArguments(_lab.Server)) : null;
        if (holder is null)
        {
            await _lab.StartAgentAsync();
        }

        await _lab.UntilAsync("the agent is connected", ConnectedAsync);
        var vms = await ProtectAsync();
        using var stop = new CancellationTokenSource();
        var callers = vms.Select(vm => Task.Run(() => CallUntil(socket, $"{vm.Name}-0", stop.Token))).ToList();
        for (var restart = 0; restart < 3; restart++)
        {
            var former = await ProcessAsync();
            if (holder is not null)
            {
                await holder.RestartAsync(_lab);
            }
            else
            {
                Assert.Equal(0, _lab.Agent!.Stop());
                Assert.DoesNotContain("not connected", _lab.Agent.Errors, StringComparison.Ordinal);
                _lab.StartAgent();
            }

            await _lab.UntilAsync(
                "the next agent is connected",
                async () => await ProcessAsync() is { } process && process != former,
                detail: () => holder?.Errors ?? "");
            await ServedAsync(vms);
        }

        await stop.CancelAsync();
        foreach (var (served, unknown) in await Task.WhenAll(callers))
        {
            Assert.True(served > 0);
            Assert.Equal(0, unknown);
        }

        Assert.DoesNotContain("not connected", holder?.Errors ?? "", StringComparison.Ordinal);
    }

    // Calls again and again; a connection that is refused or ends without an answer is a client's to repeat, a moment
    // later, so that the callers leave the processor to the agent that starts.
    private static (int Served, int Unknown) CallUntil(string socket, string export, CancellationToken stop)
    {
        var (served, unknown) = (0, 0);
        while (!stop.IsCancellationRequested)
        {
            try
            {
                using var client = NbdClient.Connect(socket);
                var answer = client.Option(NbdWire.Go, NbdWire.InfoData(export))[^1].Type;
                (served, unknown) = (served + (answer == 1 ? 1 : 0), unknown + (answer >= 0x8000_0000 ? 1 : 0));
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                stop.WaitHandle.WaitOne(TimeSpan.FromMilliseconds(2));
            }
        }

        return (served, unknown);
    }

    private async Task<string?> ProcessAsync() =>
        (string?)(await _lab.TryGetAsync("/api/v1/agents"))?.AsArray().FirstOrDefault()?["process"];

    private async Task<bool> ConnectedAsync() =>
        await _lab.TryGetAsync("/api/v1/agents") is System.Text.Json.Nodes.JsonArray agents
            && agents.Any(a => (bool)a!["connected"]!);

    private async Task<List<LabVm>> ProtectAsync()
    {
        var vms = Enumerable.Range(0, Vms).Select(i => LabVm.Make(_lab, $"web{i}", disks: 1, mebibytes: 8)).ToList();
        foreach (var vm in vms)
        {
            await vm.ProtectAsync();
        }

        return vms;
    }

    // What was reported before the restart does not count: the agent says it again.
    private Task ServedAsync(List<LabVm> vms) => _lab.UntilAsync("all are served", async () =>
    {
        foreach (var vm in vms)
        {
            var source = (await _lab.TryGetAsync($"/api/v1/vms/{vm.Name}"))?["source"];
            if (source is null || !(bool)source["connected"]! || (string?)source["role"] != "primary"
                || source["disks"]!.AsArray().Any(d => d!["uri"] is null))
            {
                return false;
            }
        }

        return true;
    });

    /// <summary>QEMU's own block layer as the machine: each write is acknowledged or fails for good.</summary>
    private sealed class Guest : IDisposable
    {
        public const int WriteBytes = 64 << 10;
        private readonly Process _process;
        private readonly List<string> _lines = [];

        private Guest(Process process)
        {
            _process = process;
            process.OutputDataReceived += (_, e) => Add(e.Data);
            process.ErrorDataReceived += (_, e) => Add(e.Data);
            process.BeginOutputReadLine();
            process.BeginErrorReadLine();
        }

        /// <summary>What the last write filled its blocks with.</summary>
        public byte Pattern { get; private set; }

        public static Guest On(string socket, string export) => new(
            OutsideTool.Require("qemu-io", "qemu-utils").Start(
                "-t", "none", "--image-opts",
                $"driver=nbd,server.type=unix,server.path={socket},export={export},reconnect-delay=60"));

        /// <summary>Writes and waits until it is acknowledged.</summary>
        public async Task WriteAsync(Lab lab)
        {
            Pattern++;
            await _process.StandardInput.WriteLineAsync($"write -f -P {Pattern} 0 {WriteBytes}");
            await _process.StandardInput.FlushAsync();
            await lab.UntilAsync(
                $"write {Pattern}",
                () =>
                {
                    Assert.False(_process.HasExited, Said());
                    Assert.DoesNotContain("fail", Said(), StringComparison.OrdinalIgnoreCase);
                    Assert.DoesNotContain("error", Said(), StringComparison.OrdinalIgnoreCase);
                    return Task.FromResult(Count() >= Pattern);
                },
                detail: Said);
        }

        public void Dispose()
        {
            if (!_process.HasExited)
            {
                _process.Kill();
            }

            _process.WaitForExit();
            _process.Dispose();
        }

        private void Add(string? line)
        {
            lock (_lines)
            {
                _lines.Add(line ?? "");
            }
        }

        private string Said()
        {
            lock (_lines)
            {
                return string.Join('\n', _lines);
            }
        }

        private int Count()
        {
            lock (_lines)
            {
                return _lines.Count(l => l.Contains($"wrote {WriteBytes}/{WriteBytes}", StringComparison.Ordinal));
            }
        }
    }
}
