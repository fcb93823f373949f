using System.Net;
using System.Net.Sockets;
using System.Threading.Channels;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.DataPlane.Nbd;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Tests.TestKit.Nbd;
using Xunit;
using static ReplicationEngine.Chaos.Witness.Nbd.NbdWire;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

public sealed class The_life_of_an_nbd_server : IAsyncDisposable
{
    private const int Size = 1 << 20;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(120);

    private readonly MemoryBlockDevice _device = new(Size);
    private readonly ManualTime _time = new();
    private readonly Recorder _events = new();
    private readonly TestServer _server;

    public The_life_of_an_nbd_server() =>
        _server = new TestServer(_device, new NbdServerOptions { Time = _time, Events = _events });

    [Fact]
    [Trait("Req", "FOV-8")]
    public async Task Fencing_waits_for_the_write_under_way_and_refuses_all_later_ones()
    {
        using var entered = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        _device.Before = o =>
        {
            if (o == "write")
            {
                entered.Release();
                release.Wait();
            }
        };
        using var writer = _server.Open();
        using var other = _server.Open();
        writer.Submit(Write, 0, 1, 0, 1);
        Assert.True(await entered.WaitAsync(Patience));
        var fencing = Task.Factory.StartNew(
            () => _server.Export.SetReadOnly(true),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);
        while (!_server.Export.ReadOnly)
        {
            await Task.Yield();
        }

        Assert.Equal(Eperm, other.Write(0, [2]));
        Assert.False(fencing.IsCompleted);
        release.Release();
        Assert.Equal(0u, writer.NextAnswer().Error);
        await fencing.WaitAsync(Patience);
        Assert.Equal(Eperm, writer.Write(0, [3]));
        Assert.Equal(Eperm, writer.Call(Trim, 0, 1).Error);
        Assert.Equal(Eperm, writer.Call(WriteZeroes, 0, 1).Error);
        Assert.Equal(1, _device.Bytes[0]);
        Assert.Equal([1], writer.Read(0, 1).Data);
        Assert.Equal(0u, writer.Call(Flush, 0, 0).Error);
    }

    [Fact]
    public async Task Removing_an_export_answers_what_has_arrived_and_then_leaves_the_device_alone()
    {
        using var entered = new SemaphoreSlim(0);
        using var release = new SemaphoreSlim(0);
        _device.Before = _ =>
        {
            entered.Release();
            release.Wait();
        };
        using var busy = _server.Open();
        using var idle = _server.Open();
        busy.Submit(Write, 0, 1, 0, 9);
        Assert.True(await entered.WaitAsync(Patience));
        var removal = _server.Server.RemoveExportAsync("disk");
        Assert.True(idle.IsClosed());
        Assert.False(removal.IsCompleted);
        release.Release();
        Assert.Equal(0u, busy.NextAnswer().Error);
        Assert.True(busy.IsClosed());
        Assert.True(await removal.WaitAsync(Patience));
        Assert.False(await _server.Server.RemoveExportAsync("disk"));
        using var late = NbdClient.Connect(_server.Path);
        Assert.Equal(0x8000_0006u, late.Option(Go, InfoData("disk"))[^1].Type);
    }

    [Fact]
    public async Task A_client_that_comes_before_the_server_accepts_waits_and_gets_what_is_served_by_then()
    {
        await using var server = new NbdServer(new NbdServerOptions { AcceptAtOnce = false });
        server.ListenUnix(Path.Combine(_server.Folder, "early"));
        var early = Task.Run(() => NbdClient.Open(Path.Combine(_server.Folder, "early"), "disk"));
        server.AddExport(new NbdExport("disk", _device));
        Assert.Equal(0, server.ConnectionCount);
        server.StartAccepting();
        using var client = await early.WaitAsync(Patience);
        Assert.Equal(Size, client.Export.Size);
    }

    [Fact]
    public async Task A_server_that_stops_accepting_serves_on_and_tells_nobody_that_an_export_is_not_there()
    {
        using var client = _server.Open();
        using var choosing = NbdClient.Connect(_server.Path);
        using var listing = NbdClient.Connect(_server.Path);
        _server.Server.Expect("later");
        using var waiting = NbdClient.Connect(_server.Path);
        waiting.Send(Option(Go, InfoData("later")));
        while (_server.Server.ConnectionCount < 4)
        {
            await Task.Yield();
        }

        await _server.Server.StopAcceptingAsync();
        Assert.ThrowsAny<SocketException>(() => NbdClient.Connect(_server.Path));
        Assert.Equal(0u, client.Write(0, [7]));
        Assert.True(waiting.IsClosed());

        Assert.True(await _server.Server.RemoveExportAsync("disk").WaitAsync(Patience));
        Assert.True(client.IsClosed());
        choosing.Send(Option(Go, InfoData("disk")));
        Assert.True(choosing.IsClosed());
        listing.Send(Option(List));
        Assert.True(listing.IsClosed());
    }

    [Fact]
    public async Task A_client_that_takes_no_replies_is_cut_off_after_the_deadline()
    {
        _server.Server.AddExport(new("large", new MemoryBlockDevice(40 << 20) { Bytes = { [0] = 1, [39 << 20] = 1 } }));
        using var client = NbdClient.Open(_server.Path, "large", structured: false);
        client.Submit(Read, 0, 32 << 20);
        var removal = _server.Server.RemoveExportAsync("large");
        while (_time.Waiting == 0 && !removal.IsCompleted)
        {
            await Task.Yield();
        }

        Assert.False(removal.IsCompleted);
        _time.Advance(TimeSpan.FromSeconds(5));
        Assert.True(await removal.WaitAsync(Patience));
    }

    [Fact]
    public async Task Replacing_an_export_moves_new_clients_to_the_new_device()
    {
        using var before = _server.Open();
        before.Write(0, [1]);
        var next = new MemoryBlockDevice(4096);
        await _server.Server.ReplaceExportAsync(new NbdExport("disk", next)).WaitAsync(Patience);
        Assert.True(before.IsClosed());
        using var after = _server.Open();
        Assert.Equal(4096, after.Export.Size);
        after.Write(0, [2]);
        Assert.Equal([1, 2], new[] { _device.Bytes[0], next.Bytes[0] });
        Assert.Throws<InvalidOperationException>(() => _server.Server.AddExport(new NbdExport("disk", next)));
    }

    [Fact]
    [Trait("Req", "S3")]
    public async Task A_handshake_that_is_not_over_by_its_deadline_is_cut_off_and_others_are_not()
    {
        using var slow = NbdClient.Connect(_server.Path, greet: false);
        slow.Receive(18);
        using var good = _server.Open();
        _time.Advance(TimeSpan.FromSeconds(9));
        slow.Send(ClientFlags());
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.True(slow.IsClosed());
        Assert.Equal(0u, good.Write(0, [1]));
        Assert.IsType<TimeoutException>(await _events.NextTroubleAsync());
    }

    [Fact]
    [Trait("Req", "S3")]
    public void A_thousand_idle_half_handshakes_do_not_hold_up_a_good_client()
    {
        var idle = Enumerable.Range(0, 1000).Select(_ => NbdClient.Connect(_server.Path, greet: false)).ToList();
        idle.ForEach(c => c.Receive(18));
        // Their deadline never comes here, so whoever waited for them would wait for ever.
        using (var good = _server.Open())
        {
            Assert.Equal(0u, good.Write(0, [1]));
        }

        idle.ForEach(c => c.Dispose());
    }

    [Fact]
    public void Tcp_works_like_a_unix_socket_and_says_its_uri()
    {
        var listener = _server.Server.ListenTcp(new IPEndPoint(IPAddress.Loopback, 0));
        var port = ((IPEndPoint)listener.EndPoint).Port;
        Assert.Equal($"nbd://127.0.0.1:{port}/a%20b%2Fc", listener.UriOf("a b/c"));
        using var socket = new TcpClient();
        socket.Connect(IPAddress.Loopback, port);
        var greeting = new byte[18];
        socket.GetStream().ReadExactly(greeting);
        Assert.Equal("NBDMAGICIHAVEOPT"u8.ToArray(), greeting[..16]);
        Assert.Throws<NbdListenException>(() => _server.Server.ListenTcp(new IPEndPoint(IPAddress.Loopback, port)));
    }

    [Fact]
    public async Task A_socket_file_left_behind_is_replaced_and_one_in_use_is_not()
    {
        var error = Assert.Throws<NbdListenException>(() => _server.Server.ListenUnix(_server.Path));
        Assert.Contains(_server.Path, error.Message, StringComparison.Ordinal);
        var path = Path.Combine(_server.Folder, "stale");
        using (var left = new Socket(
            AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified))
        {
            left.Bind(new UnixDomainSocketEndPoint(path));
        }

        var listener = _server.Server.ListenUnix(path);
        NbdClient.Open(path, "disk").Dispose();
        await listener.DisposeAsync();
        Assert.False(File.Exists(path));
        File.WriteAllText(path, "not a socket");
        Assert.Throws<NbdListenException>(() => _server.Server.ListenUnix(path));
        Assert.Equal("not a socket", File.ReadAllText(path));
        Assert.Throws<NbdListenException>(() => _server.Server.ListenUnix("/tmp/" + new string('x', 120)));
        var nowhere = Assert.Throws<NbdListenException>(() => _server.Server.ListenUnix("/nodir/disks.sock"));
        Assert.Contains("The directory '/nodir'", nowhere.Message, StringComparison.Ordinal);
        Assert.Contains("does not exist", nowhere.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_bug_in_a_device_ends_its_connection_and_no_other()
    {
        using var other = _server.Open();
        using var client = _server.Open();
        _device.Before = o => _ = o == "write" ? throw new InvalidOperationException("planted bug") : 0;
        client.Submit(Write, 0, 1, 0, 1);
        Assert.True(client.IsClosed());
        Assert.IsType<InvalidOperationException>(await _events.NextTroubleAsync());

        Assert.Equal([0], other.Read(0, 1).Data);
    }

    [Fact]
    public void Inherited_sockets_count_only_when_they_are_meant_for_this_process()
    {
        Assert.Equal([3, 4], InheritedSockets.Descriptors("17", "2", 17));
        Assert.Empty(InheritedSockets.Descriptors("18", "2", 17));
        Assert.Empty(InheritedSockets.Descriptors(null, "2", 17));
        Assert.Empty(InheritedSockets.Descriptors("17", "-1", 17));
        Assert.Empty(InheritedSockets.Descriptors("17", "x", 17));
    }

    [Fact]
    public void A_listening_socket_passed_on_by_number_serves_clients()
    {
        var path = Path.Combine(_server.Folder, "inherited");
        var parents = ListeningSockets.Unix(path, UnixSocketAccess.OwnerOnly);
        var descriptor = (int)parents.SafeHandle.DangerousGetHandle();
        parents.SafeHandle.SetHandleAsInvalid();
        _server.Server.Listen(InheritedSockets.Open(descriptor), null);
        using var client = NbdClient.Open(path, "disk");
        Assert.Equal(0u, client.Write(0, [1]));
    }

    [Theory]
    [InlineData("tty")]
    [InlineData("5")]
    public async Task A_socket_is_given_to_a_group_by_name_or_number_and_to_nobody_else(string group)
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root to give a socket to another group");
        var path = Path.Combine(_server.Folder, "of-a-group");
        _server.Server.ListenUnix(path, new UnixSocketAccess(
            group, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.GroupRead | UnixFileMode.GroupWrite));
        using var stat = System.Diagnostics.Process.Start(
            new System.Diagnostics.ProcessStartInfo("stat", ["-c", "%G %a", path]) { RedirectStandardOutput = true })!;
        Assert.Equal("tty 660", (await stat.StandardOutput.ReadToEndAsync(
            TestContext.Current.CancellationToken)).Trim());
        using var client = NbdClient.Open(path, "disk");
        Assert.Equal(0u, client.Write(0, [1]));
    }

    [Fact]
    public void A_group_that_is_not_known_is_named()
    {
        var path = Path.Combine(_server.Folder, "of-nobody");
        var access = UnixSocketAccess.OwnerOnly with { Group = "no-such-group" };
        var refusal = Assert.Throws<NbdListenException>(() => _server.Server.ListenUnix(path, access));
        Assert.Contains("no group 'no-such-group'", refusal.Message, StringComparison.Ordinal);
        Assert.False(File.Exists(path));
    }

    [Fact]
    public void A_descriptor_that_is_no_listening_socket_is_refused()
    {
        var file = File.OpenHandle("/dev/null");
        var descriptor = (int)file.DangerousGetHandle();
        file.SetHandleAsInvalid();
        Assert.Throws<NbdListenException>(() => InheritedSockets.Open(descriptor));

        var silent = new Socket(
            AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        descriptor = (int)silent.SafeHandle.DangerousGetHandle();
        silent.SafeHandle.SetHandleAsInvalid();
        Assert.Throws<NbdListenException>(() => InheritedSockets.Open(descriptor));
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();

    private sealed class Recorder : INbdServerEvents
    {
        private readonly Channel<Exception> _troubles = Channel.CreateUnbounded<Exception>();

        public Task<Exception> NextTroubleAsync() => _troubles.Reader.ReadAsync().AsTask().WaitAsync(Patience);

        public void ConnectionEnded(string? export, long connection, Exception? error) =>
            Assert.True(error is null || _troubles.Writer.TryWrite(error));
    }
}
