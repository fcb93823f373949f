using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.DataPlane.Transport.Sending;
using ReplicationEngine.Engine.Identifiers;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport.Sending;

public sealed class The_sending_machine
{
    private static LogBatch Nothing => default;
    private static readonly DirtyExtent Extent = new(0, 0, 65536, 1);

    [Fact]
    [Trait("Req", "I12")]
    public void Blocks_wait_until_the_stream_holds_the_log_up_to_the_dirty_snapshot()
    {
        var machine = Machine(resyncing: true);
        Assert.Equal(SendStep.ReadLog, machine.Next(default).Step);
        machine.LogRead(Nothing, At(10), default);
        Assert.Equal(SendStep.ReadDirty, machine.Next(default).Step);
        machine.DirtyRead(At(10), [Extent], At(12));
        Assert.Equal(SendStep.ReadLog, machine.Next(default).Step);
        machine.LogRead(Nothing, At(10), default);
        Assert.Equal(SendStep.Poll, machine.Next(default).Step);
        machine.PollOver();
        Assert.Equal(SendStep.ReadLog, machine.Next(default).Step);
        machine.LogRead(Batch(100), At(12), default);
        var slot = machine.Next(default);
        Assert.Equal((SendStep.Reserve, FrameType.RootProbe, At(12)), (slot.Step, slot.Type, slot.Position));
    }

    [Fact]
    [Trait("Req", "I12")]
    public void A_resync_ends_behind_the_tail_that_was_read_before_nothing_was_dirty()
    {
        var machine = Machine(resyncing: true);
        machine.Next(default);
        machine.LogRead(Nothing, At(10), default);
        machine.Next(default);
        machine.DirtyRead(At(11), [], At(13));
        Assert.Equal(SendStep.ReadLog, machine.Next(default).Step);
        machine.LogRead(Nothing, At(10), default);
        Assert.Equal(SendStep.Poll, machine.Next(default).Step);
        machine.PollOver();
        machine.Next(default);
        machine.LogRead(Batch(100), At(12), default);
        var end = machine.Next(default);
        Assert.Equal((SendStep.Reserve, FrameType.EndResync, At(11)), (end.Step, end.Type, end.Position));
        Assert.False(machine.Resyncing);
    }

    [Fact]
    [Trait("Req", "I12")]
    public void A_generation_that_begins_before_the_end_takes_the_end_back()
    {
        var machine = Machine(resyncing: true);
        machine.Next(default);
        machine.LogRead(Nothing, At(10), default);
        machine.Next(default);
        machine.DirtyRead(At(11), [], At(11));
        machine.Next(default);
        machine.LogRead(new LogBatch(100, 2, true, true, false), new ChangePosition(new Generation(3), new Lsn(12)),
            default);
        Assert.Equal(SendStep.ReadDirty, machine.Next(default).Step);
        Assert.True(machine.Resyncing);
    }

    [Fact]
    [Trait("Req", "I12")]
    public void A_held_resync_is_neither_worked_on_nor_ended()
    {
        var machine = Machine(resyncing: true);
        machine.Next(default);
        machine.LogRead(Nothing, At(10), default);
        Assert.Equal(SendStep.ReadDirty, machine.Next(default).Step);
        machine.DirtyHeld();
        Assert.Equal(SendStep.Poll, machine.Next(default).Step);
        machine.PollOver();
        Assert.Equal(SendStep.ReadLog, machine.Next(default).Step);
    }

    [Fact]
    public void Without_a_resync_dirty_extents_are_left_alone()
    {
        var machine = Machine(resyncing: false);
        Assert.Equal(SendStep.ReadLog, machine.Next(default).Step);
        machine.LogRead(Nothing, At(10), default);
        Assert.Equal(SendStep.Wait, machine.Next(default).Step);
        Assert.True(machine.WantsWork);
    }

    [Fact]
    [Trait("Req", "I30")]
    [Trait("Req", "I27")]
    public void What_is_shipped_is_applied_or_in_flight_and_a_full_window_stops_reading()
    {
        var machine = Machine(resyncing: false);
        var random = new Random(1);
        ulong first = 1, last = 0;
        for (var lsn = 11; lsn < 500; lsn++)
        {
            while (machine.Next(default).Step == SendStep.ReadLog)
            {
                last = machine.LogRead(Batch(600_000), At(lsn++), default);
                Assert.Equal(machine.LogBytes.Shipped, machine.LogBytes.Applied + machine.LogBytes.InFlight);
                Assert.InRange(machine.LogBytes.InFlight, 0, (2 << 20) + 600_000);
            }

            Assert.Equal(SendStep.Wait, machine.Next(default).Step);
            first = (ulong)random.NextInt64((long)first, (long)last + 1);
            machine.Acked(first, 0, At(10));
            Assert.Equal(machine.LogBytes.Shipped, machine.LogBytes.Applied + machine.LogBytes.InFlight);
        }

        machine.Acked(last, last, machine.Position);
        Assert.Equal(0, machine.LogBytes.InFlight);
        var acknowledge = machine.Next(default);
        Assert.Equal((SendStep.Acknowledge, machine.Position), (acknowledge.Step, acknowledge.Position));
    }

    [Theory]
    [InlineData(2, 1, 10)]
    [InlineData(1, 2, 10)]
    [InlineData(1, 1, 99)]
    public void An_acknowledgement_of_what_was_never_sent_is_refused(ulong applied, ulong durable, long lsn)
    {
        var machine = Machine(resyncing: false);
        machine.Next(default);
        machine.LogRead(Batch(100), At(11), default);
        Assert.Throws<FrameException>(() => machine.Acked(applied, durable, At(lsn)));
    }

    [Fact]
    public void A_silent_peer_is_given_up_and_a_quiet_session_shows_that_it_lives()
    {
        var machine = Machine(resyncing: false);
        machine.Next(default);
        machine.LogRead(Nothing, At(10), default);
        Assert.Equal(SendStep.Wait, machine.Next(TimeSpan.FromSeconds(4.9)).Step);
        var ping = machine.Next(TimeSpan.FromSeconds(5));
        Assert.Equal((SendStep.Reserve, FrameType.Ping), (ping.Step, ping.Type));
        Assert.Equal(SendStep.Wait, machine.Next(TimeSpan.FromSeconds(9.9)).Step);
        machine.Heard(TimeSpan.FromSeconds(15));
        machine.Next(TimeSpan.FromSeconds(35));
        Assert.Throws<LinkLostException>(() => machine.Next(TimeSpan.FromSeconds(35.1)));
    }

    private static SendMachine Machine(bool resyncing) => new(
        new SendOptions { LogWindowBytes = 2 << 20 }, new ReplicaPosition(Term.First, At(10), resyncing, false), At(10),
            1);

    private static ChangePosition At(long lsn) => new(new Generation(2), new Lsn(lsn));

    private static LogBatch Batch(int bytes) => new(bytes, 1, false, true, false);
}
