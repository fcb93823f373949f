using System.Security.Cryptography;
using ReplicationEngine.DataPlane.Transport.Framing;
using ReplicationEngine.DataPlane.Transport.Handshaking;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>An acceptor's key and offer for the VM that an initiator requested.</summary>
/// <param name="DataKey">The VM's data key, 32 bytes.</param>
/// <param name="Offer">The offer of this end.</param>
public sealed record SessionAcceptance(ReadOnlyMemory<byte> DataKey, SessionOffer Offer)
{
    internal SessionRefusedException? Refusal { get; private init; }

    /// <summary>
    /// Creates a refusal that is sent only after the peer has proved that it holds the key, and inside a sealed frame,
    /// so that the peer can trust it. It notifies a source that it was failed over.
    /// </summary>
    public static SessionAcceptance Refuse(ReadOnlyMemory<byte> dataKey, SessionRefusedException refusal) =>
        new(dataKey, SessionOffer.Of(SessionRole.Receiver, default, [])) { Refusal = refusal };
}

/// <summary>
/// Opens sessions over a stream that the caller connected (a socket, or TLS over one). Either end may be the sender:
/// the agent always opens the connection, regardless of the direction of the data. A peer that does not finish within
/// <see cref="Deadline"/> is dropped (S3).
/// </summary>
/// <exception cref="SessionRefusedException">Either end refuses the session.</exception>
/// <exception cref="FrameException">The peer does not follow the protocol, or bytes were changed on the
/// way.</exception>
/// <exception cref="LinkLostException">The peer disconnected or did not reply in time.</exception>
public static class SessionHandshake
{
    /// <summary>The time limit of a handshake.</summary>
    public static TimeSpan Deadline { get; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Opens a session at the end that connected. The returned link owns the stream; on failure the stream is closed.
    /// </summary>
    public static Task<SessionLink> ConnectAsync(
        Stream stream, ProtectedVmId vm, ReadOnlyMemory<byte> dataKey, SessionOffer offer, TimeProvider time,
        CancellationToken cancellationToken) =>
        WithDeadlineAsync(stream, time, token => InitiateAsync(stream, vm, dataKey, offer, token), cancellationToken);

    /// <summary>
    /// Opens a session at the end that accepted. <paramref name="resolve"/> returns key and offer for the VM that the
    /// peer names, or null if there is none. It may refuse: with <see cref="SessionAcceptance.Refuse"/>, or in clear,
    /// if there is no key, by throwing a <see cref="SessionRefusedException"/> for an unknown VM or unavailability. The
    /// peer has proved nothing yet at that moment, so it must change nothing; end a session that this one replaces
    /// after the method returns.
    /// </summary>
    public static Task<SessionLink> AcceptAsync(
        Stream stream, Func<ProtectedVmId, CancellationToken, ValueTask<SessionAcceptance?>> resolve, TimeProvider time,
        CancellationToken cancellationToken) =>
        WithDeadlineAsync(stream, time, token => RespondAsync(stream, resolve, token), cancellationToken);

    private static async Task<SessionLink> InitiateAsync(
        Stream stream, ProtectedVmId vm, ReadOnlyMemory<byte> dataKey, SessionOffer offer,
            CancellationToken cancellationToken)
    {
        var helloKey = SessionKeys.HelloKey(dataKey.Span);
        var salt = RandomNumberGenerator.GetBytes(HelloMessage.SaltSize);
        var own = HelloMessage.EncodeHello(helloKey, vm.Value, salt, []);
        await stream.WriteAsync(own, cancellationToken);
        var theirs = await ReadMessageAsync(stream, cancellationToken);
        if (!HelloMessage.Verify(helloKey, theirs, own))
        {
            throw new SessionRefusedException(SessionRefusal.WrongKey,
                $"The peer does not have the data key of '{vm}'; register the agent again.");
        }

        var (_, theirSalt) = HelloMessage.DecodeHello(theirs);
        var (mine, peers) = SessionKeys.Ciphers(dataKey.Span, own, theirs, [.. salt, .. theirSalt]);
        var link = new SessionLink(vm, stream, mine, peers);
        return await OpenAsync(link, offer, first: true, cancellationToken);
    }

    private static async Task<SessionLink> RespondAsync(
        Stream stream, Func<ProtectedVmId, CancellationToken, ValueTask<SessionAcceptance?>> resolve,
        CancellationToken cancellationToken)
    {
        var opening = false;
        try
        {
            var theirs = await ReadMessageAsync(stream, cancellationToken);
            var (name, theirSalt) = HelloMessage.DecodeHello(theirs);
            var vm = new ProtectedVmId(name);
            var acceptance = await resolve(vm, cancellationToken)
                ?? throw new SessionRefusedException(SessionRefusal.UnknownVm, $"This side has no VM '{vm}'.");
            var helloKey = SessionKeys.HelloKey(acceptance.DataKey.Span);
            if (!HelloMessage.Verify(helloKey, theirs, []))
            {
                throw new SessionRefusedException(SessionRefusal.WrongKey,
                    $"The peer does not have the data key of '{vm}'; register the agent again.");
            }

            var salt = RandomNumberGenerator.GetBytes(HelloMessage.SaltSize);
            var own = HelloMessage.EncodeHello(helloKey, string.Empty, salt, theirs);
            await stream.WriteAsync(own, cancellationToken);
            var (peers, mine) = SessionKeys.Ciphers(acceptance.DataKey.Span, theirs, own, [.. theirSalt, .. salt]);
            var link = new SessionLink(vm, stream, mine, peers);
            opening = true;
            return await OpenAsync(link, acceptance.Offer, first: false, cancellationToken, acceptance.Refusal);
        }
        catch (SessionRefusedException refusal) when (!opening && !refusal.ByPeer && refusal.Reason
            is SessionRefusal.UnknownVm or SessionRefusal.WrongKey or SessionRefusal.UnsupportedVersion
                or SessionRefusal.Unavailable)
        {
            await stream.WriteAsync(HelloMessage.EncodeRefusal(refusal), cancellationToken);
            throw;
        }
    }

    private static async Task<SessionLink> OpenAsync(
        SessionLink link, SessionOffer offer, bool first, CancellationToken cancellationToken,
        SessionRefusedException? refusal = null)
    {
        await link.OpenAsync(offer, first, refusal, cancellationToken);
        return link;
    }

    private static async Task<byte[]> ReadMessageAsync(Stream stream, CancellationToken cancellationToken)
    {
        var prelude = new byte[HelloMessage.PreludeSize];
        try
        {
            await stream.ReadExactlyAsync(prelude, cancellationToken);
            var (kind, length) = HelloMessage.ReadPrelude(prelude);
            var message = new byte[HelloMessage.PreludeSize + length];
            prelude.CopyTo(message, 0);
            await stream.ReadExactlyAsync(message.AsMemory(HelloMessage.PreludeSize), cancellationToken);
            return kind switch
            {
                HelloMessage.Hello when length >= HelloMessage.SaltSize + HelloMessage.MacSize => message,
                HelloMessage.Refusal => throw HelloMessage.DecodeRefusal(message),
                _ => throw new FrameException(FrameError.BadHeader,
                    $"The peer started with a message of kind {kind}, {length} bytes."),
            };
        }
        catch (EndOfStreamException end)
        {
            throw new LinkLostException("The peer closed the connection during the handshake.", end);
        }
    }

    private static async Task<SessionLink> WithDeadlineAsync(
        Stream stream, TimeProvider time, Func<CancellationToken, Task<SessionLink>> handshake,
            CancellationToken cancellationToken)
    {
        using var deadline = new CancellationTokenSource(Deadline, time);
        using var both = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await handshake(both.Token);
        }
        catch (OperationCanceledException)
            when (deadline.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            await stream.DisposeAsync();
            throw new LinkLostException($"The peer did not finish the handshake within {Deadline.TotalSeconds} s.");
        }
        catch (IOException cause) when (cause is not (SessionRefusedException or FrameException or LinkLostException))
        {
            await stream.DisposeAsync();
            throw new LinkLostException("The connection broke during the handshake.", cause);
        }
        catch
        {
            await stream.DisposeAsync();
            throw;
        }
    }
}
