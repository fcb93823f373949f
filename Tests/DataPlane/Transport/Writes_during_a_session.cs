using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Tests.DataPlane.Transport.Fakes;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class Writes_during_a_session
{
    private const int Size = 8 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [Trait("Req", "I11")]
    [Trait("Req", "I12")]
    [Trait("Req", "I4")]
    [Trait("Req", "REP-2")]
    public async Task Writes_during_the_copy_and_a_resync_leave_the_replica_equal_and_every_point_a_prefix(int seed)
    {
        var random = new Random(seed);
        var rig = Rig(random);
        rig.SendOptions = new SendOptions { ResyncWindowBytes = 2 << 20, Workers = 3 };
        var sessions = await rig.StartAsync(cancellationToken: Token);
        var overflown = false;
        for (var i = 0; i < 600; i++)
        {
            Step(rig.Source, random, i);
            if (i == 200)
            {
                rig.Source.Overflow();
                overflown = true;
            }

            if (i == 260 && overflown)
            {
                rig.Source.EndOverflow();
                overflown = false;
            }

            await Task.Yield();
        }

        rig.Source.CompleteAll();
        await sessions.DrainAsync();
        rig.AssertEqual();
        rig.AssertPointsArePrefixes();
        Assert.True(rig.Sink.EndResyncs >= 1);

        // With the replica out of resync, a point can be made again.
        var before = rig.Sink.Points.Count;
        rig.Source.Marker(new Guid(9, 9, 9, [0, 0, 0, 0, 0, 0, 0, 1]));
        await rig.DrainAsync(cancellationToken: Token);
        Assert.Equal(before + 1, rig.Sink.Points.Count);
        rig.AssertPointsArePrefixes();
    }

    [Fact]
    [Trait("Req", "I12")]
    public async Task A_marker_in_a_resync_makes_no_point()
    {
        var rig = Rig(new Random(4));
        rig.Source.Attach(rig.Sink.Position);
        rig.Source.Marker(new Guid(1, 0, 0, [0, 0, 0, 0, 0, 0, 0, 1]));
        await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        rig.AssertPointsArePrefixes();
    }

    [Fact]
    [Trait("Req", "RES-8")]
    public async Task A_new_generation_in_a_running_session_is_compared_not_copied()
    {
        var rig = Rig(new Random(5));
        var sessions = await rig.StartAsync(cancellationToken: Token);
        await sessions.UntilAsync(p => p.Phase == TransferPhase.Streaming && p.LagBytes == 0);
        var sent = rig.Sink.ResyncDataBytes;
        rig.Source.Overflow();
        rig.Source.Write(0, 65536 * 3, new byte[65536]);
        rig.Source.Write(0, 65536 * 9, [1, 2, 3]);
        rig.Source.EndOverflow();
        await sessions.DrainAsync();
        rig.AssertEqual();
        Assert.Equal(65536, rig.Sink.ResyncZeroBytes);
        Assert.Equal(sent + 65536, rig.Sink.ResyncDataBytes);
        Assert.Equal(2, rig.Sink.EndResyncs);
    }

    [Fact]
    [Trait("Req", "I30")]
    public async Task A_huge_record_goes_through_alone()
    {
        var rig = Rig(new Random(6));
        var big = new byte[6 << 20];
        new Random(7).NextBytes(big);
        rig.ReceiveOptions = new ReceiveOptions { BufferBytes = 1 << 20 };
        var sessions = await rig.StartAsync(cancellationToken: Token);
        rig.Source.Write(0, 4096, big);
        await sessions.DrainAsync();
        rig.AssertEqual();
    }

    [Fact]
    [Trait("Req", "FOV-2")]
    public async Task A_drain_leaves_nothing_behind()
    {
        var rig = Rig(new Random(8));
        await rig.DrainAsync(cancellationToken: Token);
        for (var i = 0; i < 50; i++)
        {
            rig.Source.Write(0, i * 100_000, [(byte)i, 1, 2, 3]);
        }

        await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        rig.Sink.LoseUnsynced();
        rig.AssertEqual();
        Assert.Equal(rig.Source.Tail, rig.Sink.Position.Durable);
    }

    internal static SessionRig Rig(Random random)
    {
        var source = new MemorySource(Size);
        var data = new byte[3 << 20];
        random.NextBytes(data);
        source.Seed(0, 0, data);
        source.Seed(0, 5 << 20, data.AsSpan(0, 1 << 20));
        source.FreezeBase();
        return new SessionRig(source, new MemorySink(Size));
    }

    internal static void Step(MemorySource source, Random random, int step)
    {
        var length = random.Next(1, random.Next(20) == 0 ? 200_000 : 6000);
        var data = new byte[length];
        if (random.Next(4) > 0)
        {
            random.NextBytes(data);
        }

        source.BeginWrite(0, random.Next(Size - length), data);
        if (step % 41 == 0)
        {
            source.Marker(new Guid(step, 1, 1, [0, 0, 0, 0, 0, 0, 0, 1]));
        }

        if (random.Next(3) == 0)
        {
            source.CompleteAll();
        }
    }
}
