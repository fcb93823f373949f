using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Benchmarks.Transport;

/// <summary>The duration and the bytes of a session.</summary>
internal readonly record struct CopyResult(double Seconds, long WireBytes, long BlockBytes);

/// <summary>A session over loopback, both ends in this process, until everything is durable.</summary>
internal static class CopySession
{
    public static async Task<CopyResult> RunAsync(CopyEnds ends, CancellationToken cancellationToken)
    {
        var watch = Stopwatch.StartNew();
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await client.ConnectAsync(listener.LocalEndpoint, cancellationToken);
        var server = await listener.AcceptSocketAsync(cancellationToken);
        var (key, time) = (new byte[32], TimeProvider.System);
        var accepting = SessionHandshake.AcceptAsync(
            new NetworkStream(server, ownsSocket: true),
            (_, _) => ValueTask.FromResult<SessionAcceptance?>(
                new SessionAcceptance(key, SessionOffer.Receive(ends.Sink, [ends.SizeBytes]))),
            time, cancellationToken);
        var sending = await SessionHandshake.ConnectAsync(
            new NetworkStream(client, ownsSocket: true), new ProtectedVmId("bench"), key,
                SessionOffer.Send(ends.Source), time,
            cancellationToken);
        var send = new SendSession(sending, ends.Source, new SendOptions(), time);
        var receive = new ReceiveSession(await accepting, ends.Sink, new ReceiveOptions(), time);
        send.RequestDrain();
        await Task.WhenAll(send.RunAsync(cancellationToken), receive.RunAsync(cancellationToken));
        var progress = send.Progress!;
        return new CopyResult(watch.Elapsed.TotalSeconds, progress.WireBytes, progress.BlockBytes);
    }
}
