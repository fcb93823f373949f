using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Tests.DataPlane.Transport.Fakes;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class An_initial_copy
{
    private const int Mebi = 1 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false, false)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    [Trait("Req", "REP-1")]
    [Trait("Req", "NET-1")]
    public async Task An_empty_replica_ends_up_equal_whoever_connects_over_memory_or_a_socket(bool receiverConnects,
        bool socket)
    {
        var rig = Rig();
        rig.ReceiverConnects = receiverConnects;
        var wire = socket ? await Wire.LoopbackAsync(Token) : Wire.InMemory();
        var sessions = await rig.DrainAsync(wire, Token);
        rig.AssertEqual();
        Assert.False(rig.Sink.Position.Resyncing);
        Assert.Equal(TransferPhase.Streaming, sessions.Send.Progress!.Phase);
        Assert.Equal(rig.Source.Tail, rig.Source.Acknowledged);
        Assert.Empty(rig.Source.DirtyExtents());
        Assert.Equal(1, rig.Sink.EndResyncs);
    }

    [Fact]
    [Trait("Req", "REP-1")]
    public async Task Holes_are_not_read_and_zero_blocks_are_not_sent()
    {
        var rig = Rig();
        rig.Source.Seed(1, 3 * Mebi, new byte[Mebi]);
        await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();

        // Random blocks, the short end of disk 0, and two blocks of disk 1; the allocated zeroes are read but not sent.
        Assert.Equal((3 * Mebi) + 4096 + (2 * 65536), rig.Sink.ResyncDataBytes);
        Assert.Equal(0, rig.Sink.ResyncZeroBytes);
        Assert.Equal((4 * Mebi) + 4096 + (2 * 65536), rig.Source.DiskBytesRead);
    }

    [Fact]
    [Trait("Req", "RES-5")]
    public async Task Hashes_of_the_sent_blocks_reach_the_replica()
    {
        var rig = Rig();
        await rig.DrainAsync(cancellationToken: Token);
        Assert.Equal((3 * Mebi / 65536) + 1 + 2, rig.Sink.NotedHashes);
    }

    [Fact]
    [Trait("Req", "REP-4")]
    public async Task Compressible_blocks_shrink_on_the_wire()
    {
        var source = new MemorySource(8 * Mebi);
        var text = System.Text.Encoding.ASCII.GetBytes(
            string.Concat(Enumerable.Range(0, 100_000).Select(i => $"line {i % 977} of the log\n")));
        source.Seed(0, 0, text);
        source.FreezeBase();
        var rig = new SessionRig(source, new MemorySink(8 * Mebi));
        var sessions = await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        Assert.InRange(sessions.SenderWire.Written, 1, text.Length / 3);
    }

    [Fact]
    [Trait("Req", "REP-4")]
    public async Task Clear_text_does_not_appear_on_the_wire()
    {
        var source = new MemorySource(Mebi);
        source.Seed(0, 1000, "a planted canary in the disk"u8);
        source.FreezeBase();
        var rig = new SessionRig(source, new MemorySink(Mebi)) { SendOptions = new SendOptions { Compress = false } };
        var (one, other) = Wire.InMemory();
        using var copy = new MemoryStream();
        await using var tapped = new TappedStream(one, copy);
        await rig.DrainAsync((tapped, other), Token);
        rig.AssertEqual();
        Assert.True(copy.Length > 65536);
        Assert.Equal(-1, copy.ToArray().AsSpan().IndexOf("canary"u8));
    }

    [Fact]
    [Trait("Req", "OPS-3")]
    public async Task Progress_counts_up_to_the_whole_of_the_disks()
    {
        var rig = Rig();
        var seen = new List<TransferProgress>();
        var sessions = await rig.StartAsync(cancellationToken: Token);
        rig.Source.OnAcknowledge = _ => seen.Add(sessions.Send.Progress!);
        await sessions.DrainAsync();
        Assert.Contains(seen, p => p is { Phase: TransferPhase.Initial, TotalBytes: (17 * Mebi) + 4096 });
        Assert.All(seen, p => Assert.InRange(p.LeftBytes, 0, (17 * Mebi) + 4096));
        var last = sessions.Send.Progress!;
        Assert.Equal((3 * Mebi) + 4096 + (2 * 65536), last.BlockBytes);
        Assert.Equal(rig.Source.Tail, last.Durable);
        Assert.Equal(0, last.LagBytes);
    }

    internal static SessionRig Rig()
    {
        var source = new MemorySource((12 * Mebi) + 4096, 5 * Mebi);
        var data = new byte[3 * Mebi];
        new Random(11).NextBytes(data);
        source.Seed(0, 2 * Mebi, data);
        source.Seed(0, 12 * Mebi, data.AsSpan(0, 4096));
        source.Seed(1, 65536, data.AsSpan(0, 70000));
        source.FreezeBase();
        return new SessionRig(source, new MemorySink((12 * Mebi) + 4096, 5 * Mebi));
    }

    private sealed class TappedStream(Stream inner, Stream copy) : DuplexStream(inner, inner)
    {
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
        {
            copy.Write(buffer.Span);
            return base.WriteAsync(buffer, cancellationToken);
        }
    }
}
