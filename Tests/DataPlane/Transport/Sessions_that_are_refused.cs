using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Tests.DataPlane.Transport.Fakes;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class Sessions_that_are_refused
{
    private const int Size = 4 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    [Trait("Req", "FOV-8")]
    [Trait("Req", "I15")]
    public async Task A_stale_term_is_refused_at_both_ends_with_the_term_that_stands(bool receiverConnects)
    {
        var rig = new SessionRig(new MemorySource(Size),
            new MemorySink(Size) { Term = new Term(4) }) { ReceiverConnects = receiverConnects };
        var (one, other) = Wire.InMemory();
        var opened = await BothAsync(rig, one, other);
        Assert.All(opened, error =>
        {
            var refused = Assert.IsType<SessionRefusedException>(error);
            Assert.Equal(SessionRefusal.StaleTerm, refused.Reason);
            Assert.Equal(new Term(4), refused.CurrentTerm);
        });
        Assert.Single(opened, error => ((SessionRefusedException)error!).ByPeer);
    }

    [Fact]
    [Trait("Req", "FOV-8")]
    [Trait("Req", "I15")]
    public async Task A_replica_that_is_failed_over_during_a_session_refuses_the_next_record()
    {
        var rig = new SessionRig(new MemorySource(Size), new MemorySink(Size));
        var sessions = await rig.StartAsync(await Wire.LoopbackAsync(Token), Token);
        await sessions.UntilAsync(p => p.Phase == TransferPhase.Streaming && p.LagBytes == 0);
        rig.Sink.Term = new Term(2);
        rig.Source.Write(0, 0, [1, 2, 3]);
        var (sender, receiver) = await sessions.EndAsync();
        Assert.Equal(new Term(2), Assert.IsType<SessionRefusedException>(sender).CurrentTerm);
        Assert.Equal(SessionRefusal.StaleTerm, Assert.IsType<SessionRefusedException>(receiver).Reason);
        Assert.Equal(0, rig.Sink.Image(0)[0]);
    }

    [Fact]
    [Trait("Req", "ERR-2")]
    public async Task A_wrong_key_is_refused_at_both_ends()
    {
        var source = new MemorySource(Size);
        var (one, other) = Wire.InMemory();
        var accepting = SessionHandshake.AcceptAsync(other,
            (_, _) => ValueTask.FromResult<SessionAcceptance?>(
                new SessionAcceptance(new byte[32], SessionOffer.Receive(new MemorySink(Size), [Size]))),
            TimeProvider.System, Token);
        var connecting = SessionHandshake.ConnectAsync(
            one, SessionRig.Vm, SessionRig.Key, SessionOffer.Send(source), TimeProvider.System, Token);
        Assert.Equal(SessionRefusal.WrongKey,
            (await Assert.ThrowsAsync<SessionRefusedException>(() => connecting)).Reason);
        Assert.Equal(SessionRefusal.WrongKey,
            (await Assert.ThrowsAsync<SessionRefusedException>(() => accepting)).Reason);
    }

    [Fact]
    public async Task An_unknown_VM_is_refused_at_both_ends()
    {
        var (one, other) = Wire.InMemory();
        var accepting = SessionHandshake.AcceptAsync(
            other, (_, _) => ValueTask.FromResult<SessionAcceptance?>(null), TimeProvider.System, Token);
        var connecting = SessionHandshake.ConnectAsync(
            one, SessionRig.Vm, SessionRig.Key, SessionOffer.Send(new MemorySource(Size)), TimeProvider.System, Token);
        var refused = await Assert.ThrowsAsync<SessionRefusedException>(() => connecting);
        Assert.Equal(SessionRefusal.UnknownVm, refused.Reason);
        Assert.True(refused.ByPeer);
        Assert.Contains("vm-1", refused.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<SessionRefusedException>(() => accepting);
    }

    [Fact]
    [Trait("Req", "RES-3")]
    public async Task A_grown_source_disk_grows_the_replica_and_a_smaller_one_is_refused()
    {
        var grown = new SessionRig(new MemorySource(Size), new MemorySink(Size / 2));
        await grown.DrainAsync(cancellationToken: Token);
        Assert.Equal(Size, grown.Sink.Sizes[0]);
        var shrunk = new SessionRig(new MemorySource(Size / 2), new MemorySink(Size));
        var (one, other) = Wire.InMemory();
        var errors = await BothAsync(shrunk, one, other);
        Assert.All(errors, e =>
            Assert.Equal(SessionRefusal.SizeMismatch, Assert.IsType<SessionRefusedException>(e).Reason));
    }

    [Fact]
    public async Task Two_senders_are_refused()
    {
        var (one, other) = Wire.InMemory();
        var offer = SessionOffer.Send(new MemorySource(Size));
        var accepting = SessionHandshake.AcceptAsync(
            other, (_, _) => ValueTask.FromResult<SessionAcceptance?>(new SessionAcceptance(SessionRig.Key, offer)),
                TimeProvider.System, Token);
        var error = await Assert.ThrowsAsync<SessionRefusedException>(() => SessionHandshake.ConnectAsync(
            one, SessionRig.Vm, SessionRig.Key, offer, TimeProvider.System, Token));
        Assert.Equal(SessionRefusal.RoleMismatch, error.Reason);
        await Assert.ThrowsAsync<SessionRefusedException>(() => accepting);
    }

    [Theory]
    [InlineData(ReplicaRefusal.Gap, SessionRefusal.Gap)]
    [InlineData(ReplicaRefusal.OutOfRange, SessionRefusal.OutOfRange)]
    [InlineData(ReplicaRefusal.Unavailable, SessionRefusal.Unavailable)]
    public async Task What_the_replica_refuses_surfaces_at_the_sender(ReplicaRefusal reason, SessionRefusal expected)
    {
        var rig = new SessionRig(new MemorySource(Size), new MemorySink(Size));
        rig.Sink.BeforeApply = () => throw new ReplicaRefusedException(reason, "not now");
        var sessions = await rig.StartAsync(await Wire.LoopbackAsync(Token), Token);
        var (sender, receiver) = await sessions.EndAsync();
        Assert.Equal(expected, Assert.IsType<SessionRefusedException>(sender).Reason);
        Assert.Equal(expected, Assert.IsType<SessionRefusedException>(receiver).Reason);
    }

    [Fact]
    [Trait("Req", "I7")]
    public async Task A_corrupt_record_surfaces_at_the_sender()
    {
        var rig = new SessionRig(new MemorySource(Size), new MemorySink(Size));
        rig.Sink.BeforeApply = () => throw new ReplicaCorruptException("flipped");
        var sessions = await rig.StartAsync(cancellationToken: Token);
        var (sender, _) = await sessions.EndAsync();
        Assert.Equal(SessionRefusal.Corrupt, Assert.IsType<SessionRefusedException>(sender).Reason);
    }

    private static async Task<Exception?[]> BothAsync(SessionRig rig, Stream senderEnd, Stream receiverEnd)
    {
        var (send, receive) = (SessionOffer.Send(rig.Source), SessionOffer.Receive(rig.Sink, rig.Sink.Sizes));
        var (initiator, acceptor) = rig.ReceiverConnects ? (receiverEnd, senderEnd) : (senderEnd, receiverEnd);
        var (offer, answer) = rig.ReceiverConnects ? (receive, send) : (send, receive);
        var accepting = SessionHandshake.AcceptAsync(
            acceptor, (_, _) => ValueTask.FromResult<SessionAcceptance?>(new SessionAcceptance(SessionRig.Key, answer)),
            TimeProvider.System, Token);
        var connecting = SessionHandshake.ConnectAsync(initiator, SessionRig.Vm, SessionRig.Key, offer,
            TimeProvider.System, Token);
        return [await Record.ExceptionAsync(() => connecting), await Record.ExceptionAsync(() => accepting)];
    }
}
