using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Tests.TestKit.Nbd;
using Xunit;
using static ReplicationEngine.Chaos.Witness.Nbd.NbdWire;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

public sealed class Nbd_transmission : IAsyncDisposable
{
    private const int Size = 1 << 20;

    private readonly MemoryBlockDevice _device = new(Size);
    private readonly TestServer _server;

    public Nbd_transmission() => _server = new TestServer(_device);

    [Fact]
    public void Requests_at_and_beyond_the_end_get_the_protocols_errors_and_the_connection_lives()
    {
        using var client = _server.Open();
        Assert.Equal(0u, client.Write(Size - 4, [1, 2, 3, 4]));
        Assert.Equal([1, 2, 3, 4], client.Read(Size - 4, 4).Data);
        Assert.Equal(Enospc, client.Write(Size - 3, [1, 2, 3, 4]));
        Assert.Equal(Enospc, client.Write(ulong.MaxValue - 1, [1, 2, 3, 4]));
        Assert.Equal(Enospc, client.Call(WriteZeroes, Size, 1).Error);
        Assert.Equal(Einval, client.Read(Size - 3, 4).Error);
        Assert.Equal(Einval, client.Read(Size, 1).Error);
        Assert.Equal(Einval, client.Call(Trim, Size - 1, 2).Error);
        Assert.Equal(Einval, client.Call(BlockStatus, Size, 1).Error);
        Assert.Equal(Einval, client.Call(Cache, 0, uint.MaxValue).Error);
        Assert.Equal([1, 2, 3, 4], client.Read(Size - 4, 4).Data);
    }

    [Fact]
    public void Empty_ranges_unknown_commands_and_foreign_flags_are_invalid_and_the_connection_lives()
    {
        using var client = _server.Open();
        Assert.Equal(Einval, client.Read(0, 0).Error);
        Assert.Equal(Einval, client.Write(0, []));
        Assert.Equal(Einval, client.Call(Trim, 0, 0).Error);
        Assert.Equal(Einval, client.Call(8, 0, 4).Error);
        Assert.Equal(Einval, client.Call(Flush, 0, 1).Error);
        Assert.Equal(Einval, client.Call(Read, 0, 4, NoHole).Error);
        Assert.Equal(Einval, client.Write(0, [1], DontFragment));
        Assert.Equal(Einval, client.Call(Trim, 0, 4, RequestOne).Error);
        Assert.Equal(Einval, client.Call(WriteZeroes, 0, 4, 1 << 5).Error);
        Assert.Equal(0u, client.Call(Read, 0, 4, Fua).Error);
        Assert.Equal(0u, client.Call(Flush, 0, 0, Fua).Error);
    }

    [Fact]
    [Trait("Req", "S4")]
    public void A_payload_beyond_the_maximum_is_thrown_away_and_refused()
    {
        using var client = _server.Open();
        const uint tooLong = (32 << 20) + 1;
        Assert.Equal(Einval, client.Read(0, tooLong).Error);
        client.Submit(Write, 0, tooLong);
        var piece = new byte[1 << 20];
        for (var i = 0; i < 32; i++)
        {
            client.Send(piece);
        }

        client.Send(0);
        Assert.Equal(Einval, client.NextAnswer().Error);
        Assert.Equal(0u, client.Write(0, [1]));
    }

    [Fact]
    public void The_largest_payload_goes_both_ways_whole()
    {
        var device = new MemoryBlockDevice(40 << 20);
        _server.Server.AddExport(new("large", device));
        var data = new byte[32 << 20];
        new Random(3).NextBytes(data);
        foreach (var structured in new[] { true, false })
        {
            using var client = NbdClient.Open(_server.Path, "large", structured);
            Assert.Equal(0u, client.Write(12345, data));
            Assert.Equal(data, client.Read(12345, (uint)data.Length).Data);
        }

        Assert.Equal(2, device.WriteCalls);
    }

    [Fact]
    public void A_structured_read_comes_in_pieces_unless_that_is_forbidden_and_zeroes_come_as_holes()
    {
        using var client = _server.Open();
        client.Write(0, [.. Enumerable.Repeat((byte)7, 600_000)]);
        var pieces = client.Read(0, 900_000);
        Assert.True(pieces.Chunks > 1);
        Assert.Equal(_device.Bytes[..900_000], pieces.Data);
        var whole = client.Call(Read, 0, 900_000, DontFragment);
        Assert.Equal(1, whole.Chunks);
        Assert.Equal(_device.Bytes[..900_000], whole.Data);
        Assert.Equal(new byte[100_000], client.Read(700_000, 100_000).Data);
    }

    [Fact]
    public void Without_structured_replies_reads_work_and_their_flags_and_block_status_are_refused()
    {
        using var client = _server.Open(structured: false);
        Assert.Equal(0, client.Export.Flags & (1 << 7));
        Assert.Equal(0u, client.Write(100, [9, 8, 7]));
        Assert.Equal([0, 9, 8, 7, 0], client.Read(99, 5).Data);
        Assert.Equal(Einval, client.Call(Read, 0, 4, DontFragment).Error);
        Assert.Equal(Einval, client.Call(BlockStatus, 0, 4096).Error);
        Assert.Equal(Einval, client.Read(Size, 1).Error);
        Assert.Equal(0u, client.Read(0, 1).Error);
    }

    [Fact]
    public void Block_status_tells_data_and_holes_joins_neighbours_and_stops_at_one_when_asked()
    {
        using var client = _server.Open();
        client.Write(8192, new byte[8192]);
        client.Call(WriteZeroes, 16_384, 4096, NoHole);
        Assert.Equal([(8192u, 3u), (12_288u, 0u), (4096u, 3u)], client.Call(BlockStatus, 0, 24_576).Extents);
        Assert.Equal([(8192u, 3u)], client.Call(BlockStatus, 0, 24_576, RequestOne).Extents);
        Assert.Equal([(100u, 0u)], client.Call(BlockStatus, 10_000, 100).Extents);
        client.Call(Trim, 8192, 12_288);
        Assert.Equal([((uint)Size, 3u)], client.Call(BlockStatus, 0, Size).Extents);
    }

    [Fact]
    public void Fast_zeroes_are_declined_by_a_device_that_has_none()
    {
        _server.Server.AddExport(new("fast", new MemoryBlockDevice(4096) { HasFastZeroes = true }));
        using var slow = _server.Open();
        Assert.Equal(Enotsup, slow.Call(WriteZeroes, 0, 4096, FastZero).Error);
        using var fast = NbdClient.Open(_server.Path, "fast");
        Assert.Equal(0u, fast.Call(WriteZeroes, 0, 4096, FastZero).Error);
    }

    [Fact]
    [Trait("Req", "I3")]
    public void Forced_writes_reach_the_device_as_forced_and_flushes_as_flushes()
    {
        using var client = _server.Open();
        client.Write(0, [1], Fua);
        client.Call(WriteZeroes, 0, 1, Fua);
        client.Call(Trim, 0, 1, Fua);
        client.Write(0, [1]);
        Assert.Equal(3, _device.ForcedChanges);
        Assert.Equal(0u, client.Call(Flush, 0, 0).Error);
        Assert.Equal(1, _device.Flushes);
    }

    [Fact]
    public void What_a_device_cannot_do_is_told_by_number_and_the_connection_lives()
    {
        using var client = _server.Open();
        (int, uint)[] errors =
            [(5, Eio), (28, Enospc), (122, Enospc), (1, Eperm), (30, Eperm), (108, Eshutdown), (4711, Eio)];
        foreach (var (errno, error) in errors)
        {
            _device.Before = _ => throw new BlockDeviceException("planted", errno);
            Assert.Equal(error, client.Write(0, [1]));
            Assert.Equal(error, client.Read(0, 1).Error);
            Assert.Equal(error, client.Call(Flush, 0, 0).Error);
            Assert.Equal(error, client.Call(BlockStatus, 0, 4096).Error);
            Assert.Equal(error, client.Call(Cache, 0, 4096).Error);
        }

        _device.Before = _ => { };
        Assert.Equal(0u, client.Write(0, [1]));
    }

    [Fact]
    public void In_a_batch_that_fails_each_write_gets_the_answer_it_deserves()
    {
        var calls = 0;
        _device.Before = operation =>
        {
            // The call for all and the second of those for one fail.
            if (operation == "write" && ++calls is 1 or 3)
            {
                throw new BlockDeviceException("planted", BlockDeviceException.InputOutput);
            }
        };
        using var client = _server.Open();
        client.Send([.. Enumerable.Range(0, 4).SelectMany(i => Request(Write, 100 + (ulong)i, (ulong)i, 1, 0, 77))]);
        var answers = Enumerable.Range(0, 4).Select(_ => client.NextAnswer()).ToDictionary(a => a.Cookie, a => a.Error);
        Assert.Equal([0u, Eio, 0u, 0u], answers.OrderBy(a => a.Key).Select(a => a.Value));
        Assert.Equal([77, 0, 77, 77], _device.Bytes[..4]);
    }

    [Fact]
    public void A_wrong_request_magic_ends_the_connection()
    {
        using var client = _server.Open();
        client.Send(new byte[28]);
        Assert.True(client.IsClosed());
    }

    [Fact]
    public void Goodbye_is_taken_after_everything_before_it_is_answered()
    {
        using var client = _server.Open();
        client.Send([.. Request(Write, 1, 0, 2, 0, 5, 6), .. Request(Flush, 2, 0, 0), .. Request(Disconnect, 3, 0, 0)]);
        Assert.Equal(1u, client.NextAnswer().Cookie);
        Assert.Equal(2u, client.NextAnswer().Cookie);
        Assert.True(client.IsClosed());
        Assert.Equal([5, 6], _device.Bytes[..2]);
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
