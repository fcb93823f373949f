using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Tests.DataPlane.Transport.Fakes;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Clocks;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class Peers_that_fall_silent
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    [Trait("Req", "S3")]
    public async Task A_peer_that_never_finishes_the_handshake_is_dropped()
    {
        var time = new ManualTime();
        var (one, _) = Wire.InMemory();
        var connecting = SessionHandshake.ConnectAsync(
            one, SessionRig.Vm, SessionRig.Key, SessionOffer.Send(new MemorySource(65536)), time, Token);
        time.Advance(SessionHandshake.Deadline - TimeSpan.FromSeconds(1));
        Assert.False(connecting.IsCompleted);
        time.Advance(TimeSpan.FromSeconds(2));
        await Assert.ThrowsAsync<LinkLostException>(() => connecting);
    }

    [Fact]
    public async Task Both_ends_notice_a_peer_that_fell_silent()
    {
        var time = new ManualTime();
        var rig = new SessionRig(new MemorySource(65536), new MemorySink(65536));
        var (one, other) = Wire.InMemory();
        var (sending, receiving) = await rig.OpenAsync(one, other, Token);

        // Only one end of each pair runs: the other end's silence is the peer's.
        var receive = new ReceiveSession(receiving, rig.Sink, new ReceiveOptions(), time).RunAsync(Token);
        await AdvanceUntilAsync(time, receive);
        await Assert.ThrowsAsync<LinkLostException>(() => receive);
        await sending.DisposeAsync();

        var (three, four) = Wire.InMemory();
        var (again, silent) = await rig.OpenAsync(three, four, Token);
        var send = new SendSession(again, rig.Source, new SendOptions(), time).RunAsync(Token);
        await AdvanceUntilAsync(time, send);
        await Assert.ThrowsAsync<LinkLostException>(() => send);
        await silent.DisposeAsync();
    }

    [Fact]
    public async Task A_refusal_after_the_proof_of_the_key_reaches_the_peer_sealed_with_its_term()
    {
        var (one, other) = Wire.InMemory();
        var fenced = new SessionRefusedException(
            SessionRefusal.StaleTerm, "failed over", new ReplicationEngine.Engine.Identifiers.Term(7));
        var accepting = SessionHandshake.AcceptAsync(
            other, (_, _) => ValueTask.FromResult<SessionAcceptance?>(SessionAcceptance.Refuse(SessionRig.Key, fenced)),
            TimeProvider.System, Token);
        var error = await Assert.ThrowsAsync<SessionRefusedException>(() => SessionHandshake.ConnectAsync(
            one, SessionRig.Vm, SessionRig.Key, SessionOffer.Send(new MemorySource(65536)), TimeProvider.System,
                Token));
        Assert.Equal((SessionRefusal.StaleTerm, 7L), (error.Reason, error.CurrentTerm?.Value));
        await Assert.ThrowsAsync<SessionRefusedException>(() => accepting);
    }

    [Fact]
    public async Task A_bandwidth_limit_holds_over_time()
    {
        var rig = Writes_during_a_session.Rig(new Random(1));
        const double rate = 8 << 20;
        rig.SendOptions = new SendOptions { BytesPerSecond = (long)rate };
        var began = TimeProvider.System.GetTimestamp();
        var sessions = await rig.DrainAsync(cancellationToken: Token);
        var seconds = TimeProvider.System.GetElapsedTime(began).TotalSeconds;

        // A slower machine only makes more of the time; what may go at once, and the handshake, come on top.
        const double atOnce = (rate / 10) + (64 << 10);
        Assert.True(sessions.SenderWire.Written <= (rate * seconds) + atOnce,
            $"{sessions.SenderWire.Written} bytes in {seconds} s");
        rig.AssertEqual();
    }

    private static async Task AdvanceUntilAsync(ManualTime time, Task session)
    {
        // A minute of its time, in steps, each given the chance to be noticed.
        var end = time.GetUtcNow() + TimeSpan.FromMinutes(1);
        await Eventually.EndsAsync(session, () =>
            time.Advance(time.GetUtcNow() < end ? TimeSpan.FromMilliseconds(250) : TimeSpan.Zero));
    }
}
