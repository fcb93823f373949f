using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Tests.TestKit.Nbd;
using Xunit;
using static ReplicationEngine.Chaos.Witness.Nbd.NbdWire;

namespace ReplicationEngine.Tests.DataPlane.Nbd;

public sealed class Many_nbd_requests_in_flight
{
    private const int Size = 256 << 10;
    private const int Depth = 100;

    [Fact]
    public async Task A_hundred_mixed_requests_at_once_end_as_the_model_says()
    {
        var device = new MemoryBlockDevice(Size);
        await using var server = new TestServer(device);
        var model = new byte[Size];
        var property = Prop.ForAll(
            Gen.Choose(0, int.MaxValue).ToArbitrary(), seed => RunRound(server, device, model, new Random(seed)));
        Check.One(Config.QuickThrowOnFailure.WithMaxTest(20), property);
    }

    [Fact]
    public async Task Many_connections_write_their_own_stripes_at_the_same_time()
    {
        const int connections = 8;
        var device = new MemoryBlockDevice(Size);
        await using var server = new TestServer(device);
        await Task.WhenAll(Enumerable.Range(0, connections).Select(c => Task.Factory.StartNew(
            () => WriteStripe(server, c, connections),
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default)));
        var expected = Enumerable.Range(0, Size).Select(i => (byte)((i / 512 % connections) + 1));
        Assert.Equal(expected, device.Bytes);
    }

    private static void WriteStripe(TestServer server, int connection, int connections)
    {
        using var client = server.Open(structured: connection % 2 == 0);
        var data = Enumerable.Repeat((byte)(connection + 1), 512).ToArray();
        var blocks = Size / 512 / connections;
        for (var block = 0; block < blocks; block++)
        {
            client.Submit(Write, (ulong)(((block * connections) + connection) * 512), 512, 0, data);
        }

        for (var block = 0; block < blocks; block++)
        {
            Assert.Equal(0u, client.NextAnswer().Error);
        }
    }

    /// <summary>
    /// Requests of one round do not overlap, since the protocol leaves the order of those in flight open; reads see
    /// what earlier rounds left.
    /// </summary>
    private static void RunRound(TestServer server, MemoryBlockDevice device, byte[] model, Random random)
    {
        using var client = server.Open();
        var expected = new Dictionary<ulong, byte[]>();
        const int slot = Size / Depth;
        for (var i = 0; i < Depth; i++)
        {
            var length = random.Next(1, slot);
            var offset = (i * slot) + random.Next(0, slot - length);
            var range = model.AsSpan(offset, length);
            if (random.Next(3) == 0)
            {
                var cookie = client.Submit(Read, (ulong)offset, (uint)length);
                expected[cookie] = range.ToArray();
                continue;
            }

            var zero = random.Next(4) == 0;
            random.NextBytes(range);
            if (zero)
            {
                range.Clear();
            }

            var command = zero ? random.Next(2) == 0 ? Trim : WriteZeroes : Write;
            expected[client.Submit(command, (ulong)offset, (uint)length, 0, zero ? [] : range.ToArray())] = [];
        }

        for (var i = 0; i < Depth; i++)
        {
            var answer = client.NextAnswer();
            Assert.Equal(0u, answer.Error);
            Assert.True(expected.Remove(answer.Cookie, out var data));
            Assert.Equal(data, answer.Data);
        }

        Assert.Equal(model, device.Bytes);
    }
}
