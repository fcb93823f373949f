using System.Security.Cryptography;
using System.Text;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Tests.Actors.Journaling;

public sealed class A_chain_of_events
{
    private static readonly PersistenceId s_id = new("counter", new VaultId("vault"), "one");
    private static readonly DateTimeOffset s_time = new(2026, 1, 2, 3, 4, 5, TimeSpan.FromHours(2));
    private static readonly CommandId s_command = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"));
    private static readonly SteadyInstant s_steady = new(s_time.AddHours(-1), s_time.AddMinutes(-1));

    private static readonly RecordedCommand s_recorded =
        new("command.add.v1", [7, 8], "größe", s_steady, new WakeMark(s_time.AddDays(1), OwesEffects: true));

    /// <summary>For each field of an event, and of its command, an event that differs in it alone.</summary>
    private static readonly Dictionary<string, Func<StoredEvent, StoredEvent>> s_changes = new(StringComparer.Ordinal)
    {
        ["Sequence"] = stored => stored with { Sequence = stored.Sequence + 1 },
        ["Name"] = stored => stored with { Name = "added.v2" },
        ["Payload"] = stored => stored with { Payload = [1, 2, 4] },
        ["Time"] = stored => stored with { Time = stored.Time.AddTicks(1) },
        ["Actor"] = stored => stored with { Actor = "you" },
        ["CommandId"] = stored => stored with
        {
            CommandId = new CommandId(new Guid("10112233-4455-6677-8899-aabbccddeeff")),
        },
        ["Command"] = stored => stored with { Command = null },
        ["Previous"] = stored => stored with { Previous = stored.Hash },
        ["Hash"] = stored => stored with { Hash = stored.Previous },
        ["Command.Name"] = Commanded(command => command with { Name = "command.add.v2" }),
        ["Command.Payload"] = Commanded(command => command with { Payload = [7, 9] }),
        ["Command.Digest"] = Commanded(command => command with { Digest = "grösse" }),
        ["Command.Steady"] = Commanded(command => command with { Steady = null }),
        ["Command.Wake"] = Commanded(command => command with { Wake = WakeMark.None }),
        ["Command.Steady.Life"] = Commanded(command => command with
        {
            Steady = s_steady with { Life = s_steady.Life.AddTicks(1) },
        }),
        ["Command.Steady.At"] = Commanded(command => command with
        {
            Steady = s_steady with { At = s_steady.At.AddTicks(1) },
        }),
        ["Command.Wake.NextDue"] = Commanded(command => command with
        {
            Wake = command.Wake with { NextDue = command.Wake.NextDue?.AddTicks(1) },
        }),
        ["Command.Wake.OwesEffects"] = Commanded(command => command with
        {
            Wake = command.Wake with { OwesEffects = false },
        }),
    };

    public static TheoryData<string> Fields => [.. s_changes.Keys];

    [Fact, Trait("Req", "S23")]
    public void The_seal_is_the_documented_hash_of_the_documented_bytes()
    {
        var bare = new RecordedCommand("c.v1", new byte[3_000], null, null, WakeMark.None);
        var first = Seal(StreamHead.Start, "a.v1", [1, 2, 3], null);
        var second = Seal(first.Head, "größer.v1", new byte[5_000], s_recorded);
        var third = Seal(second.Head, "a.v1", [], bare);

        Assert.Equal(Documented(new byte[32], first), first.Hash.ToString());
        Assert.Equal(Documented(Bytes(first.Hash), second), second.Hash.ToString());
        Assert.Equal(Documented(Bytes(second.Hash), third), third.Hash.ToString());
        Assert.Equal(TimeSpan.Zero, first.Time.Offset);
        Assert.Equal((false, true), (first.EndsCommand, second.EndsCommand));
    }

    [Fact]
    public void The_seal_of_a_known_event_never_changes()
    {
        Assert.Equal(
            "899e09a001c5f5c1df5d9d7438becd52f7ca3b495ccf218a94ccc5f8e3ea8d03",
            Seal(StreamHead.Start, "a.v1", [1, 2, 3], null).Hash.ToString());
        Assert.Equal(
            "6f50894a67101657d891a8fc453cdc7212e84fc4d8ed34f4a7ff8db990dfe5ad",
            Seal(StreamHead.Start, "a.v1", [1, 2, 3], s_recorded).Hash.ToString());
    }

    [Theory, Trait("Req", "S23"), Trait("Req", "I7")]
    [MemberData(nameof(Fields))]
    public void An_event_that_differs_in_one_field_is_named(string field)
    {
        var first = Seal(StreamHead.Start, "added.v1", [1], s_recorded);
        var second = Seal(first.Head, "added.v1", [1, 2, 3], s_recorded);
        Assert.Equal(second.Head, EventChain.Verify(s_id, StreamHead.Start, [first, second]));

        var exception = Assert.Throws<JournalCorruptException>(
            () => EventChain.Verify(s_id, StreamHead.Start, [first, s_changes[field](second)]));
        Assert.Equal((s_id, 2L), (exception.Id, exception.Sequence));
    }

    [Fact]
    public void No_field_is_left_out_of_that()
    {
        var fields = typeof(StoredEvent).GetProperties().Where(property => property.CanWrite)
            .Select(property => property.Name)
            .Concat(typeof(RecordedCommand).GetProperties().Where(property => property.CanWrite)
                .Select(property => $"Command.{property.Name}"));

        Assert.Empty(fields.Except(s_changes.Keys));
    }

    [Fact, Trait("Req", "S23")]
    public void What_is_missing_from_a_command_is_told_from_what_is_empty()
    {
        RecordedCommand[] commands =
        [
            s_recorded with { Digest = null },
            s_recorded with { Digest = "" },
            s_recorded with { Steady = new SteadyInstant(DateTimeOffset.MinValue, DateTimeOffset.MinValue) },
            s_recorded with { Steady = null },
            s_recorded with { Wake = new WakeMark(DateTimeOffset.MinValue, OwesEffects: false) },
            s_recorded with { Wake = WakeMark.None },
        ];

        Assert.Distinct(commands.Select(command => Seal(StreamHead.Start, "a.v1", [], command).Hash));
    }

    [Fact, Trait("Req", "I7")]
    public void A_gap_is_named_at_the_missing_event()
    {
        var first = Seal(StreamHead.Start, "a.v1", [1], null);
        var second = Seal(first.Head, "a.v1", [2], null);
        var third = Seal(second.Head, "a.v1", [3], s_recorded);

        Assert.Equal(third.Head, EventChain.Verify(s_id, StreamHead.Start, [first, second, third]));
        AssertNamed(2, first, third);
        AssertNamed(1, second, third);
        AssertNamed(1, second, first, third);
        AssertNamed(2, first, first, second);
    }

    [Fact]
    public void Bytes_cannot_move_between_fields_unseen()
    {
        var one = Seal(StreamHead.Start, "ab", [(byte)'c'], null);
        var other = Seal(StreamHead.Start, "a", [(byte)'b', (byte)'c'], null);

        Assert.NotEqual(one.Hash, other.Hash);
    }

    private static void AssertNamed(long sequence, params StoredEvent[] events) => Assert.Equal(
        sequence,
        Assert.Throws<JournalCorruptException>(() => EventChain.Verify(s_id, StreamHead.Start, events)).Sequence);

    private static Func<StoredEvent, StoredEvent> Commanded(Func<RecordedCommand, RecordedCommand> change) =>
        stored => stored with { Command = change(stored.Command!) };

    private static StoredEvent Seal(StreamHead head, string name, byte[] payload, RecordedCommand? command) =>
        EventChain.Seal(head, new EncodedEvent(name, payload), s_time, "me", s_command, command);

    private static byte[] Bytes(ChainHash hash) => Convert.FromHexString(hash.ToString());

    private static string Documented(byte[] previous, StoredEvent stored)
    {
        using var bytes = new MemoryStream();
        bytes.Write(previous);
        WriteSized(Encoding.UTF8.GetBytes(stored.Name));
        WriteSized(stored.Payload);
        bytes.Write(BitConverter.GetBytes(stored.Sequence));
        bytes.Write(BitConverter.GetBytes(s_time.UtcTicks));
        WriteSized("me"u8.ToArray());
        bytes.Write(Convert.FromHexString("00112233445566778899aabbccddeeff"));
        bytes.WriteByte(stored.Command is null ? (byte)0 : (byte)1);
        if (stored.Command is { } command)
        {
            WriteSized(Encoding.UTF8.GetBytes(command.Name));
            WriteSized(command.Payload);
            WriteSized(command.Digest is null ? null : Encoding.UTF8.GetBytes(command.Digest));
            bytes.Write(BitConverter.GetBytes(command.Steady is { } life ? life.Life.UtcTicks : -1));
            bytes.Write(BitConverter.GetBytes(command.Steady is { } moment ? moment.At.UtcTicks : -1));
            bytes.Write(BitConverter.GetBytes(command.Wake.NextDue is { } due ? due.UtcTicks : -1));
            bytes.WriteByte(command.Wake.OwesEffects ? (byte)1 : (byte)0);
        }

        return Convert.ToHexStringLower(SHA256.HashData(bytes.ToArray()));

        void WriteSized(byte[]? field)
        {
            bytes.Write(BitConverter.GetBytes(field?.Length ?? -1));
            bytes.Write(field ?? []);
        }
    }
}
