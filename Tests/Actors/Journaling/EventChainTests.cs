using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.Actors.Journaling;

public sealed class EventChainTests
{
    private static readonly PersistenceId s_id = new("counter", new VaultId("vault"), "one");
    private static readonly DateTimeOffset s_time = new(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2));
    private static readonly CommandId s_command = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"));

    [Fact, Trait("Req", "S23")]
    public void The_seal_is_the_documented_hash_of_the_documented_bytes()
    {
        var first = Seal(StreamHead.Start, "a.v1", [1, 2, 3]);
        var second = Seal(new StreamHead(1, first.Hash), "größer.v1", new byte[5_000]);

        Assert.Equal(Documented(new byte[32], "a.v1", [1, 2, 3], 1), first.Hash.ToString());
        Assert.Equal(
            Documented(Convert.FromHexString(first.Hash.ToString()), "größer.v1", new byte[5_000], 2),
            second.Hash.ToString());
        Assert.Equal(TimeSpan.Zero, first.Time.Offset);
    }

    [Fact]
    public void The_seal_of_a_known_event_never_changes() => Assert.Equal(
        "36a084825641b50c71509f9fbcbd8f176c43de34099c1d4ad5de16e1a25d784e",
        Seal(StreamHead.Start, "a.v1", [1, 2, 3]).Hash.ToString());

    [Fact, Trait("Req", "I7")]
    public void A_gap_is_named_at_the_missing_event()
    {
        var first = Seal(StreamHead.Start, "a.v1", [1]);
        var second = Seal(new StreamHead(1, first.Hash), "a.v1", [2]);
        var third = Seal(new StreamHead(2, second.Hash), "a.v1", [3]);

        Assert.Equal(new StreamHead(3, third.Hash), EventChain.Verify(s_id, StreamHead.Start, [first, second, third]));
        var exception = Assert.Throws<JournalCorruptException>(
            () => EventChain.Verify(s_id, StreamHead.Start, [first, third]));
        Assert.Equal(2, exception.Sequence);
    }

    [Fact]
    public void Bytes_cannot_move_between_fields_unseen()
    {
        var one = Seal(StreamHead.Start, "ab", [(byte)'c']);
        var other = Seal(StreamHead.Start, "a", [(byte)'b', (byte)'c']);

        Assert.NotEqual(one.Hash, other.Hash);
    }

    private static StoredEvent Seal(StreamHead head, string name, byte[] payload) =>
        EventChain.Seal(head, new EncodedEvent(name, payload), s_time, "me", s_command);

    private static string Documented(byte[] previous, string name, byte[] payload, long sequence)
    {
        using var bytes = new MemoryStream();
        bytes.Write(previous);
        WriteSized(Encoding.UTF8.GetBytes(name));
        WriteSized(payload);
        bytes.Write(BitConverter.GetBytes(sequence));
        bytes.Write(BitConverter.GetBytes(s_time.UtcTicks));
        WriteSized(Encoding.UTF8.GetBytes("me"));
        bytes.Write(Convert.FromHexString("00112233445566778899aabbccddeeff"));
        return Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray()));

        void WriteSized(byte[] field)
        {
            bytes.Write(BitConverter.GetBytes(field.Length));
            bytes.Write(field);
        }
    }
}
