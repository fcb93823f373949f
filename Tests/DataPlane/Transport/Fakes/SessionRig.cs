using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport.Fakes;

/// <summary>A source and a replica with a wire between them.</summary>
internal sealed class SessionRig(MemorySource source, MemorySink sink)
{
    public static readonly byte[] Key = [.. Enumerable.Range(1, 32).Select(i => (byte)i)];

    public static readonly ProtectedVmId Vm = new("vm-1");

    public MemorySource Source { get; } = source;

    public MemorySink Sink { get; } = sink;

    public SendOptions SendOptions { get; set; } = new();

    public ReceiveOptions ReceiveOptions { get; set; } = new() { SyncInterval = TimeSpan.FromMilliseconds(5) };

    /// <summary>The sender's wire breaks so many bytes after the handshake.</summary>
    public long? CutAfter { get; set; }

    /// <summary>The byte at this place behind the handshake is flipped on the sender's wire.</summary>
    public long? FlipAt { get; set; }

    /// <summary>The initiator sends, unless the agent is the receiver.</summary>
    public bool ReceiverConnects { get; set; }

    public async Task<RunningSessions> StartAsync((Stream One, Stream Other)? wire = null,
        CancellationToken cancellationToken = default)
    {
        var (one, other) = wire ?? Wire.InMemory();
        var wrapped = new DuplexStream(one, one);
        var (sending, receiving) = await OpenAsync(wrapped, other, cancellationToken);
        wrapped.CutAfter = CutAfter is { } cut ? wrapped.Written + cut : long.MaxValue;
        wrapped.FlipAt = FlipAt is { } flip ? wrapped.Written + flip : -1;
        var send = new SendSession(sending, Source, SendOptions, TimeProvider.System);
        var receive = new ReceiveSession(receiving, Sink, ReceiveOptions, TimeProvider.System);
        var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        return new RunningSessions(send, receive, wrapped, stop, send.RunAsync(stop.Token),
            receive.RunAsync(stop.Token));
    }

    public async Task<(SessionLink Sending, SessionLink Receiving)> OpenAsync(Stream senderEnd, Stream receiverEnd,
        CancellationToken cancellationToken)
    {
        var (send, receive) = (SessionOffer.Send(Source), SessionOffer.Receive(Sink, Sink.Sizes));
        var (initiator, acceptor) = ReceiverConnects ? (receiverEnd, senderEnd) : (senderEnd, receiverEnd);
        var (offer, answer) = ReceiverConnects ? (receive, send) : (send, receive);
        var accepting = SessionHandshake.AcceptAsync(
            acceptor, (_, _) => ValueTask.FromResult<SessionAcceptance?>(new SessionAcceptance(Key, answer)),
            TimeProvider.System, cancellationToken);
        var connected = await SessionHandshake.ConnectAsync(initiator, Vm, Key, offer, TimeProvider.System,
            cancellationToken);
        var accepted = await accepting;
        return ReceiverConnects ? (accepted, connected) : (connected, accepted);
    }

    /// <summary>Runs until everything that the source holds is durable at the replica.</summary>
    public async Task<RunningSessions> DrainAsync((Stream One, Stream Other)? wire = null,
        CancellationToken cancellationToken = default)
    {
        var sessions = await StartAsync(wire, cancellationToken);
        await sessions.DrainAsync();
        return sessions;
    }

    public void AssertEqual()
    {
        for (var disk = 0; disk < Source.Disks.Count; disk++)
        {
            var at = Source.Image(disk).CommonPrefixLength(Sink.Image(disk));
            Assert.True(at == Source.Image(disk).Length, $"Disk {disk} differs from byte {at} on.");
        }
    }

    /// <summary>Every sealed point holds exactly the prefix of the history up to its LSN (I4, I12).</summary>
    public void AssertPointsArePrefixes()
    {
        var disks = Source.BaseImages.Select(d => (byte[])d.Clone()).ToList();
        var next = 0;
        foreach (var (lsn, digest) in Sink.Points)
        {
            for (; next < Source.History.Count && Source.History[next].Lsn <= lsn.Value; next++)
            {
                var (_, disk, offset, data) = Source.History[next];
                if (disk >= 0)
                {
                    data.CopyTo(disks[disk], offset);
                }
            }

            Assert.Equal(MemorySink.Digest(disks), digest);
        }
    }
}

/// <summary>Both sessions, running.</summary>
internal sealed record RunningSessions(
    SendSession Send, ReceiveSession Receive, DuplexStream SenderWire, CancellationTokenSource Stop, Task Sending,
        Task Receiving)
{
    public async Task DrainAsync()
    {
        Send.RequestDrain();
        await Task.WhenAll(Sending, Receiving).WaitAsync(Eventually.Patience, TimeProvider.System);
        Stop.Dispose();
    }

    /// <summary>Waits until the sender's progress shows something.</summary>
    public Task UntilAsync(Func<TransferProgress, bool> reached) => Eventually.HoldsAsync(async () =>
    {
        if (Sending.IsCompleted)
        {
            await Sending;
        }

        return Send.Progress is { } progress && reached(progress);
    });

    /// <summary>Waits for both to end, however they do; returns what each threw.</summary>
    public async Task<(Exception? Sender, Exception? Receiver)> EndAsync()
    {
        var errors = (await Record.ExceptionAsync(() =>
            Sending.WaitAsync(Eventually.Patience, TimeProvider.System)),
            await Record.ExceptionAsync(() => Receiving.WaitAsync(Eventually.Patience, TimeProvider.System)));
        Stop.Dispose();
        return errors;
    }
}
