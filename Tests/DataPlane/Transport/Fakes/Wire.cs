using System.IO.Pipelines;
using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.Tests.DataPlane.Transport.Fakes;

/// <summary>Two ends of a duplex stream in memory, or of a real connection on loopback.</summary>
internal static class Wire
{
    public static (Stream One, Stream Other) InMemory(int pause = 256 << 10)
    {
        var options = new PipeOptions(pauseWriterThreshold: pause, resumeWriterThreshold: pause / 2,
            useSynchronizationContext: false);
        var (to, from) = (new Pipe(options), new Pipe(options));
        return (new PipeStream(from.Reader, to.Writer), new PipeStream(to.Reader, from.Writer));
    }

    public static async Task<(Stream One, Stream Other)> LoopbackAsync(CancellationToken cancellationToken)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var client = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await client.ConnectAsync(listener.LocalEndpoint, cancellationToken);
        var server = await listener.AcceptSocketAsync(cancellationToken);
        (client.NoDelay, server.NoDelay) = (true, true);
        return (new NetworkStream(client, ownsSocket: true), new NetworkStream(server, ownsSocket: true));
    }

    private sealed class PipeStream(PipeReader reader, PipeWriter writer) : DuplexStream(reader.AsStream(),
        writer.AsStream());
}

/// <summary>A stream whose written bytes can be counted, changed or cut.</summary>
internal class DuplexStream(Stream reading, Stream writing) : Stream
{
    /// <summary>Bytes written so far.</summary>
    public long Written { get; private set; }

    /// <summary>After so many written bytes the connection breaks.</summary>
    public long CutAfter { get; set; } = long.MaxValue;

    /// <summary>The written byte at this place is flipped.</summary>
    public long FlipAt { get; set; } = -1;

    public override bool CanRead => true;

    public override bool CanSeek => false;

    public override bool CanWrite => true;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            return await reading.ReadAsync(buffer, cancellationToken);
        }
        catch (InvalidOperationException disposed)
        {
            throw new IOException("The stream was closed.", disposed);
        }
    }

    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer,
        CancellationToken cancellationToken = default)
    {
        var left = CutAfter - Written;
        if (left < buffer.Length)
        {
            await writing.WriteAsync(buffer[..(int)Math.Max(0, left)], cancellationToken);
            Written = CutAfter;
            await DisposeAsync();
            throw new IOException("The wire was cut.");
        }

        if (FlipAt >= Written && FlipAt < Written + buffer.Length)
        {
            var bytes = buffer.ToArray();
            bytes[FlipAt - Written] ^= 0x10;
            buffer = bytes;
        }

        Written += buffer.Length;
        try
        {
            await writing.WriteAsync(buffer, cancellationToken);
        }
        catch (InvalidOperationException disposed)
        {
            throw new IOException("The stream was closed.", disposed);
        }
    }

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override Task WriteAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        WriteAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override void Flush()
    {
    }

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    public override async ValueTask DisposeAsync()
    {
        await writing.DisposeAsync();
        await reading.DisposeAsync();
        await base.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
