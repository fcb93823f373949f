using System.Net;
using System.Net.Sockets;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Vault.Effects;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>Neither a peer that takes nothing nor work that fails is waited for, or forgotten.</summary>
public sealed class Control_streams
{
    private static readonly ControlMessage Long =
        new ControlMessage.Refused("busy", new string('x', ControlChannel.MaxLength - 1024));

    [Fact]
    [Trait("Req", "S3")]
    public async Task Whose_other_end_takes_nothing_break_and_let_every_sender_go()
    {
        var time = new ManualTime();
        var (ours, theirs) = await PairAsync();
        await using var kept = theirs;
        await using var channel = new ControlChannel(ours, time);
        var sending = Enumerable.Range(0, 8).Select(_ => channel.SendAsync(Long, CancellationToken.None).AsTask())
            .ToList();
        Assert.Contains(sending, s => !s.IsCompleted);

        var over = Task.WhenAll(sending);
        await Eventually.EndsAsync(over, () => time.Advance(TimeSpan.FromSeconds(1)));

        await Assert.ThrowsAsync<IOException>(() => over);
        await Assert.ThrowsAnyAsync<IOException>(async () =>
            await channel.SendAsync(new ControlMessage.Ping(1), CancellationToken.None));
    }

    [Fact]
    public async Task That_a_failed_write_has_closed_are_broken_for_their_reader_too()
    {
        var (ours, theirs) = await PairAsync();
        await using var kept = theirs;
        await using var channel = new ControlChannel(ours, TimeProvider.System);
        await ours.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(async () =>
            await channel.SendAsync(new ControlMessage.Ping(1), CancellationToken.None));
        await Assert.ThrowsAsync<IOException>(async () => await channel.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Stay_readable_when_a_caller_gives_its_message_up()
    {
        var (ours, theirs) = await PairAsync();
        await using var channel = new ControlChannel(ours, TimeProvider.System);
        await using var other = new ControlChannel(theirs, TimeProvider.System);
        using var impatient = new CancellationTokenSource();
        var first = channel.SendAsync(Long, impatient.Token).AsTask();
        var second = channel.SendAsync(Long, impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => Task.WhenAll(first, second));
        var third = channel.SendAsync(new ControlMessage.Ping(3), CancellationToken.None).AsTask();

        Assert.Equal(Long, await other.ReadAsync(CancellationToken.None));
        Assert.Equal(Long, await other.ReadAsync(CancellationToken.None));
        Assert.Equal(new ControlMessage.Ping(3), await other.ReadAsync(CancellationToken.None));
        await third.WaitAsync(Eventually.Patience, TimeProvider.System);
    }

    [Theory]
    [InlineData("null")]
    [InlineData("{}")]
    [InlineData("{\"message\":\"welcome\"}")]
    [InlineData("{\"message\":\"request\",\"id\":1,\"body\":null}")]
    [InlineData("{\"message\":\"no such\"}")]
    [InlineData("not json")]
    public async Task With_a_message_that_cannot_be_read_say_so(string text)
    {
        var (ours, theirs) = await PairAsync();
        await using var kept = ours;
        await using var channel = new ControlChannel(theirs, TimeProvider.System);
        var body = System.Text.Encoding.UTF8.GetBytes(text);
        await ours.WriteAsync((byte[])[.. BitConverter.GetBytes(body.Length), .. body]);
        await Assert.ThrowsAsync<InvalidDataException>(async () => await channel.ReadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task Work_that_nobody_waits_for_is_told_when_it_fails_and_tried_again()
    {
        var time = new ManualTime();
        var told = new List<string>();
        var work = new ObservedWork((key, e, _) => told.Add($"{key}: {e.Message}"), time);
        var (tries, done) = (0, new TaskCompletionSource());
        using var stop = new CancellationTokenSource();
        work.Begin(
            "site-a",
            _ =>
            {
                if (++tries < 3)
                {
                    throw new InvalidOperationException($"try {tries}");
                }

                done.SetResult();
                return Task.CompletedTask;
            },
            stop.Token);
        await Eventually.EndsAsync(done.Task, () => time.Advance(TimeSpan.FromSeconds(1)));
        await work.EndAsync().WaitAsync(Eventually.Patience, TimeProvider.System);
        Assert.Equal(["site-a: try 1", "site-a: try 2"], told);
    }

    private static async Task<(NetworkStream Ours, NetworkStream Theirs)> PairAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndpoint);
        return (new NetworkStream(client, ownsSocket: true),
            new NetworkStream(await listener.AcceptSocketAsync(), ownsSocket: true));
    }
}
