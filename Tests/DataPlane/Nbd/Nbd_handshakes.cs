using System.Buffers.Binary;
using System.Text;
using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.Tests.TestKit.Nbd;
using Xunit;
using static ReplicationEngine.Chaos.Witness.Nbd.NbdWire;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

public sealed class Nbd_handshakes : IAsyncDisposable
{
    private const uint Ack = 1;
    private const uint Unsupported = 0x8000_0001;
    private const uint Invalid = 0x8000_0003;
    private const uint Unknown = 0x8000_0006;
    private const uint TooBig = 0x8000_0009;

    private readonly MemoryBlockDevice _device = new(1 << 20);
    private readonly TestServer _server;

    public Nbd_handshakes() => _server = new TestServer(_device);

    [Fact]
    public void Go_tells_size_flags_name_description_and_block_sizes()
    {
        using var client = NbdClient.Connect(_server.Path);
        client.Option(StructuredReply);
        var answers = client.Option(Go, InfoData("disk", 1, 2, 3));
        Assert.Equal([3u, 3u, 3u, 3u, Ack], answers.Select(a => a.Type));
        Assert.Equal(1 << 20, client.Export.Size);

        // HAS_FLAGS, FLUSH, FUA, TRIM, WRITE_ZEROES, DF, MULTI_CONN, CACHE, FAST_ZERO.
        Assert.Equal(0b1101_1110_1101, client.Export.Flags);
        Assert.Equal("disk", Encoding.UTF8.GetString(answers[1].Data.AsSpan(2)));
        Assert.Equal("a disk", Encoding.UTF8.GetString(answers[2].Data.AsSpan(2)));
        var blocks = answers[3].Data.AsSpan(2);
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32BigEndian(blocks));
        Assert.Equal(4096u, BinaryPrimitives.ReadUInt32BigEndian(blocks[4..]));
        Assert.Equal(32u << 20, BinaryPrimitives.ReadUInt32BigEndian(blocks[8..]));
    }

    [Fact]
    public void A_read_only_export_says_so_and_offers_no_changes()
    {
        _server.Export.SetReadOnly(true);
        using var client = _server.Open();
        Assert.Equal(0b0101_1000_1111, client.Export.Flags);
    }

    [Fact]
    public void Info_describes_and_the_handshake_goes_on()
    {
        using var client = NbdClient.Connect(_server.Path);
        Assert.Equal(Ack, client.Option(Info, InfoData("disk"))[^1].Type);
        Assert.Equal(Unknown, client.Option(Info, InfoData("other"))[^1].Type);
        Assert.Equal(Ack, client.Option(Go, InfoData("disk"))[^1].Type);
        Assert.Equal(0u, client.Write(0, [1, 2, 3]));
    }

    [Fact]
    public void Every_export_is_listed_with_its_description()
    {
        _server.Server.AddExport(new("another", _device, description: "second"));
        using var client = NbdClient.Connect(_server.Path);
        var answers = client.Option(List);
        Assert.Equal([2u, 2u, Ack], answers.Select(a => a.Type));
        Assert.Equal("anothersecond", Encoding.UTF8.GetString(answers[0].Data.AsSpan(4)));
        Assert.Equal("diska disk", Encoding.UTF8.GetString(answers[1].Data.AsSpan(4)));
    }

    [Fact]
    public void The_oldest_way_to_choose_an_export_works_with_and_without_its_zeroes()
    {
        foreach (var (flags, length) in new[] { (3u, 10), (1u, 134) })
        {
            using var client = NbdClient.Connect(_server.Path, greet: false);
            client.Receive(18);
            client.Send(ClientFlags(flags));
            client.Send(Option(ExportName, Encoding.UTF8.GetBytes("disk")));
            Assert.Equal(1 << 20, BinaryPrimitives.ReadInt64BigEndian(client.Receive(length)));
            Assert.Equal(0u, client.Write(5, [1, 2, 3]));
            Assert.Equal([1, 2, 3], client.Read(5, 3).Data);
        }
    }

    [Fact]
    public void Unknown_and_malformed_options_are_refused_one_by_one()
    {
        using var client = NbdClient.Connect(_server.Path);
        Assert.Equal(Unsupported, client.Option(StartTls)[^1].Type);
        Assert.Equal(Unsupported, client.Option(4711, 1, 2)[^1].Type);
        Assert.Equal(Invalid, client.Option(List, 1)[^1].Type);
        Assert.Equal(Invalid, client.Option(StructuredReply, 1)[^1].Type);
        Assert.Equal(Invalid, client.Option(Go)[^1].Type);
        Assert.Equal(Invalid, client.Option(Go, [.. InfoData("disk"), 0])[^1].Type);
        Assert.Equal(Invalid, client.Option(Go, 255, 255, 255, 255, 0, 0)[^1].Type);
        Assert.Equal(Invalid, client.Option(SetMetaContext, ContextData("disk", "base:allocation"))[^1].Type);
        Assert.Equal(Ack, client.Option(Abort)[^1].Type);
        Assert.True(client.IsClosed());
    }

    [Fact]
    public void Contexts_are_listed_by_namespace_and_selected_by_name()
    {
        using var client = NbdClient.Connect(_server.Path);
        client.Option(StructuredReply);
        Assert.Equal([4u, Ack], client.Option(ListMetaContext, ContextData("disk")).Select(a => a.Type));
        Assert.Equal([4u, Ack], client.Option(ListMetaContext, ContextData("disk", "base:")).Select(a => a.Type));
        Assert.Equal([Ack], client.Option(ListMetaContext, ContextData("disk", "qemu:")).Select(a => a.Type));
        Assert.Equal([Ack], client.Option(SetMetaContext, ContextData("disk", "base:")).Select(a => a.Type));
        Assert.Equal([Unknown], client.Option(SetMetaContext, ContextData("none", "base:")).Select(a => a.Type));
        Assert.Equal([Invalid], client.Option(SetMetaContext, 0, 0, 0, 9).Select(a => a.Type));
        var set = client.Option(SetMetaContext, ContextData("disk", "qemu:dirty", "base:allocation"));
        Assert.Equal([4u, Ack], set.Select(a => a.Type));
        Assert.Equal("base:allocation", Encoding.UTF8.GetString(set[0].Data.AsSpan(4)));
    }

    [Fact]
    public void A_context_selected_for_another_export_does_not_count()
    {
        _server.Server.AddExport(new("other", _device));
        using var client = NbdClient.Connect(_server.Path);
        client.Option(StructuredReply);
        client.Option(SetMetaContext, ContextData("other", "base:allocation"));
        client.Option(Go, InfoData("disk"));
        Assert.Equal(Einval, client.Call(BlockStatus, 0, 4096).Error);
    }

    [Theory]
    [Trait("Req", "S5")]
    [InlineData("../disk")]
    [InlineData("/etc/passwd")]
    [InlineData("%2e%2e/disk")]
    [InlineData("DISK")]
    [InlineData("disk ")]
    [InlineData("")]
    public void Only_the_exact_name_is_an_export(string name)
    {
        using var client = NbdClient.Connect(_server.Path);
        Assert.Equal(Unknown, client.Option(Go, InfoData(name))[^1].Type);
        Assert.Equal(Ack, client.Option(Go, InfoData("disk"))[^1].Type);
    }

    [Fact]
    [Trait("Req", "S4")]
    public void Lengths_beyond_the_limits_are_refused_without_being_kept()
    {
        using var client = NbdClient.Connect(_server.Path);
        Assert.Equal(Unknown, client.Option(Go, InfoData(new string('x', 4096)))[^1].Type);
        Assert.Equal(Invalid, client.Option(Go, InfoData(new string('x', 4097)))[^1].Type);
        Assert.Equal(Invalid, client.Option(Go, InfoData("di\0sk"))[^1].Type);
        Assert.Equal(TooBig, client.Option(Go, new byte[1 << 20])[^1].Type);
        Assert.Equal(Ack, client.Option(Info, InfoData("disk"))[^1].Type);
        client.Send(OptionHeader(Go, uint.MaxValue));
        Assert.True(client.IsClosed());
    }

    [Fact]
    public void Peers_of_another_protocol_are_cut_off()
    {
        using var flags = NbdClient.Connect(_server.Path, greet: false);
        flags.Receive(18);
        flags.Send(ClientFlags(0x80));
        Assert.True(flags.IsClosed());

        using var http = NbdClient.Connect(_server.Path);
        http.Send(Encoding.ASCII.GetBytes("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
        Assert.True(http.IsClosed());

        using var name = NbdClient.Connect(_server.Path);
        name.Send(Option(ExportName, Encoding.UTF8.GetBytes("nobody")));
        Assert.True(name.IsClosed());
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}
