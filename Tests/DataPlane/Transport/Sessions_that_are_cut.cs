using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Tests.TestKit.Clocks;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class Sessions_that_are_cut
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(21)]
    [InlineData(22)]
    [InlineData(23)]
    [InlineData(24)]
    [Trait("Req", "I5")]
    [Trait("Req", "I11")]
    [Trait("Req", "I13")]
    public async Task A_connection_cut_anywhere_resumes_and_ends_equal(int seed)
    {
        var random = new Random(seed);
        var rig = Writes_during_a_session.Rig(random);
        rig.SendOptions = new SendOptions { ResyncWindowBytes = 2 << 20 };
        for (var round = 0; round < 12; round++)
        {
            for (var i = 0; i < 30; i++)
            {
                Writes_during_a_session.Step(rig.Source, random, i);
            }

            rig.CutAfter = random.Next(1, 1_500_000);
            var sessions = await rig.StartAsync(cancellationToken: Token);
            rig.Source.CompleteAll();
            sessions.Send.RequestDrain();
            await sessions.EndAsync();
            if (random.Next(3) == 0)
            {
                rig.Sink.LoseUnsynced();
            }
        }

        rig.CutAfter = null;
        await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        rig.AssertPointsArePrefixes();
        Assert.False(rig.Sink.Position.Resyncing);
    }

    [Fact]
    [Trait("Req", "I5")]
    public async Task After_a_cut_only_what_was_not_acknowledged_is_sent_again()
    {
        var rig = Writes_during_a_session.Rig(new Random(31));
        await rig.DrainAsync(cancellationToken: Token);
        var copied = rig.Sink.ResyncDataBytes;
        for (var round = 0; round < 5; round++)
        {
            var random = new byte[300_000];
            new Random(round).NextBytes(random);
            rig.Source.Write(0, round * 300_000, random);
            rig.CutAfter = 100_000;
            var sessions = await rig.StartAsync(cancellationToken: Token);
            await sessions.EndAsync();
        }

        rig.CutAfter = null;
        var last = await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        Assert.Equal(copied, rig.Sink.ResyncDataBytes);
        Assert.InRange(last.SenderWire.Written, 1_500_000, 1_520_000);
    }

    [Fact]
    [Trait("Req", "I11")]
    public async Task An_interrupted_copy_does_not_send_again_what_is_durable()
    {
        var rig = An_initial_copy.Rig();
        rig.SendOptions = new SendOptions { ResyncWindowBytes = 1 << 20, Workers = 1 };
        rig.ReceiveOptions = new ReceiveOptions { SyncBytes = 256 << 10 };
        rig.CutAfter = 5 << 19;
        var sessions = await rig.StartAsync(cancellationToken: Token);
        var (sender, receiver) = await sessions.EndAsync();
        Assert.IsType<LinkLostException>(sender);
        Assert.True(receiver is SessionRefusedException or LinkLostException, receiver?.ToString());
        var before = rig.Sink.ResyncDataBytes;
        Assert.InRange(before, 1 << 20, 3 << 20);
        rig.CutAfter = null;
        await rig.DrainAsync(cancellationToken: Token);
        rig.AssertEqual();
        Assert.InRange(rig.Sink.ResyncDataBytes, 3 << 20, (3 << 20) + (5 << 18));
    }

    [Fact]
    public void Delays_double_up_to_five_seconds_with_jitter_and_begin_anew_after_a_lasting_session()
    {
        var time = new ManualTime();
        var policy = new ReconnectPolicy(time, new Random(1));
        var delays = Enumerable.Range(0, 8).Select(_ => policy.NextDelay().TotalSeconds).ToArray();
        double[] tops = [0.25, 0.5, 1, 2, 4, 5, 5, 5];
        Assert.All(delays.Zip(tops), d => Assert.InRange(d.First, d.Second / 2, d.Second));
        Assert.NotEqual(delays[6], delays[7]);
        policy.Connected();
        time.Advance(TimeSpan.FromSeconds(0.5));
        Assert.InRange(policy.NextDelay().TotalSeconds, 2.5, 5);
        policy.Connected();
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.InRange(policy.NextDelay().TotalSeconds, 0.125, 0.25);
    }

    [Fact]
    public async Task Word_that_the_other_side_answers_ends_a_wait()
    {
        var policy = new ReconnectPolicy(new ManualTime(), new Random(1));
        var sooner = new TaskCompletionSource();
        var waiting = policy.WaitAsync(sooner.Task, Token);
        Assert.False(waiting.IsCompleted);
        sooner.SetResult();
        await waiting.WaitAsync(Token);
    }

    [Fact]
    [Trait("Req", "ERR-2")]
    public void A_refusal_that_needs_a_person_is_not_retried()
    {
        Assert.False(ReconnectPolicy.IsRetried(new SessionRefusedException(SessionRefusal.WrongKey, "no")));
        Assert.False(ReconnectPolicy.IsRetried(new SessionRefusedException(SessionRefusal.StaleTerm, "no")));
        Assert.True(ReconnectPolicy.IsRetried(new SessionRefusedException(SessionRefusal.Unavailable, "full")));
        Assert.True(ReconnectPolicy.IsRetried(new LinkLostException("gone")));
        Assert.True(ReconnectPolicy.IsRetried(new ReplicationLogCorruptException("rot")));
    }
}
