using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.DataPlane.Transport.Receiving;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport.Receiving;

public sealed class The_receiving_machine
{
    [Theory]
    [InlineData(100, 50)]
    [InlineData(149, 1)]
    [InlineData(150, 0)]
    [InlineData(182, 0)]
    public void Waits_for_the_next_sync_no_longer_than_is_left_and_never_less_than_nothing(int now, int left)
    {
        var machine = new ReceiveMachine(new ReceiveOptions { SyncInterval = TimeSpan.FromMilliseconds(50) }, 1);
        Assert.Null(machine.SyncIn(TimeSpan.FromMilliseconds(now)));

        machine.Apply(FrameType.Records, 1, 4096, TimeSpan.FromMilliseconds(100));
        Assert.Equal(TimeSpan.FromMilliseconds(left), machine.SyncIn(TimeSpan.FromMilliseconds(now)));

        machine.Synced();
        Assert.Null(machine.SyncIn(TimeSpan.FromMilliseconds(now)));
    }
}
