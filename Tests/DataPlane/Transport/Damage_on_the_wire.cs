using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class Damage_on_the_wire
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Req", "I7")]
    [Trait("Req", "S20")]
    public async Task One_flipped_byte_anywhere_is_a_typed_error_at_both_ends_and_never_wrong_bytes()
    {
        var random = new Random(77);
        for (var i = 0; i < 30; i++)
        {
            var rig = An_initial_copy.Rig();
            rig.FlipAt = i < 24 ? i : random.Next(0, 1_000_000);
            var sessions = await rig.StartAsync(cancellationToken: Token);
            var (sender, receiver) = await sessions.EndAsync();
            var refused = Assert.IsType<SessionRefusedException>(receiver);
            Assert.Equal(SessionRefusal.BadFrame, refused.Reason);
            Assert.IsType<FrameException>(refused.InnerException);
            Assert.Equal(SessionRefusal.BadFrame, Assert.IsType<SessionRefusedException>(sender).Reason);
            for (var disk = 0; disk < 2; disk++)
            {
                // What was applied before is right: each block is zero or the source's.
                AssertZeroOrEqual(rig.Source.Image(disk), rig.Sink.Image(disk));
            }
        }
    }

    [Fact]
    [Trait("Req", "I7")]
    public async Task After_damage_the_next_session_completes()
    {
        var rig = An_initial_copy.Rig();
        rig.FlipAt = 700_000;
        await (await rig.StartAsync(cancellationToken: Token)).EndAsync();
        rig.FlipAt = null;
        await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
    }

    [Fact]
    [Trait("Req", "I27")]
    public async Task A_slow_replica_holds_the_sender_back_within_the_windows()
    {
        var rig = An_initial_copy.Rig();
        rig.SendOptions = new SendOptions { ResyncWindowBytes = 1 << 20, LogWindowBytes = 1 << 20 };
        rig.ReceiveOptions = new ReceiveOptions { BufferBytes = 1 << 20, SyncInterval = TimeSpan.FromMilliseconds(5) };
        using var gate = new ManualResetEventSlim();
        rig.Sink.BeforeApply = () => gate.Wait(Eventually.Patience, Token);
        var sessions = await rig.StartAsync(cancellationToken: Token);
        for (var i = 0; i < 100; i++)
        {
            rig.Source.Write(0, i * 65536, new byte[65536]);
        }

        // Nothing is applied: once the sender stands still, what was read of the disk fits the window and one chunk,
        // and so does what is held.
        var (before, same) = (0L, 0);
        await Eventually.HoldsAsync(() =>
        {
            var now = rig.Source.DiskBytesRead + sessions.Receive.HeldBytes;
            (before, same) = (now, now == before && sessions.Receive.HeldBytes > 0 ? same + 1 : 0);
            return same >= 50;
        });
        Assert.InRange(rig.Source.DiskBytesRead, 0, 3 << 20);
        Assert.InRange(sessions.Receive.HeldBytes, 1, 3 << 20);
        gate.Set();
        await sessions.DrainAsync();
        rig.AssertEqual();
        Assert.Equal(0, sessions.Receive.HeldBytes);
    }

    private static void AssertZeroOrEqual(ReadOnlySpan<byte> source, ReadOnlySpan<byte> replica)
    {
        for (var at = 0; at < source.Length; at += 65536)
        {
            var length = Math.Min(65536, source.Length - at);
            var block = replica.Slice(at, length);
            Assert.True(block.SequenceEqual(source.Slice(at, length)) || !block.ContainsAnyExcept((byte)0),
                $"wrong bytes at {at}");
        }
    }
}
