using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.Tests.Actors.Journaling;

public sealed class A_snapshot_of_an_entity
{
    private static readonly CommandRecord s_command =
        new(new CommandId(new Guid("00112233-4455-6677-8899-aabbccddeeff")), 7, "digest");

    private static readonly EntitySnapshot s_snapshot = EntitySnapshot.Create(
        3, new StreamHead(8, Hash(1)), new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero), [1, 2, 3],
        [s_command, new CommandRecord(new CommandId(), 8, null)], coversStream: true);

    private static readonly Dictionary<string, EntitySnapshot> s_changed = new(StringComparer.Ordinal)
    {
        ["Version"] = s_snapshot with { Version = 4 },
        ["Head"] = s_snapshot with { Head = StreamHead.Start },
        ["Head.Sequence"] = s_snapshot with { Head = s_snapshot.Head with { Sequence = 9 } },
        ["Head.Hash"] = s_snapshot with { Head = s_snapshot.Head with { Hash = Hash(2) } },
        ["DecidedAt"] = s_snapshot with { DecidedAt = s_snapshot.DecidedAt.AddTicks(1) },
        ["Payload"] = s_snapshot with { Payload = [1, 2, 4] },
        ["Commands"] = s_snapshot with { Commands = [s_command] },
        ["Commands in another order"] = s_snapshot with { Commands = [s_snapshot.Commands[1], s_command] },
        ["Commands.CommandId"] = Commanded(s_command with { CommandId = new CommandId() }),
        ["Commands.LastSequence"] = Commanded(s_command with { LastSequence = 6 }),
        ["Commands.Digest"] = Commanded(s_command with { Digest = "another" }),
        ["Commands.Digest missing"] = Commanded(s_command with { Digest = null }),
        ["Commands.Digest empty"] = Commanded(s_command with { Digest = "" }),
        ["CoversStream"] = s_snapshot with { CoversStream = false },
        ["Checksum"] = s_snapshot with { Checksum = Hash(3) },
    };

    public static TheoryData<string> Fields => [.. s_changed.Keys];

    [Fact]
    public void It_is_intact_as_it_was_made() => Assert.True((s_snapshot with { }).IsIntact);

    [Theory, Trait("Req", "I7")]
    [MemberData(nameof(Fields))]
    public void It_is_not_intact_when_it_differs_in_one_field(string field) => Assert.False(s_changed[field].IsIntact);

    [Fact]
    public void No_field_is_left_out_of_that() => Assert.Empty(
        typeof(EntitySnapshot).GetProperties().Where(property => property.CanWrite).Select(property => property.Name)
            .Except(s_changed.Keys));

    [Fact]
    public void The_checksum_of_a_known_snapshot_never_changes() => Assert.Equal(
        "78cbc7235993cf0cad483f5b55f2a4bf6a70c58ec64b496962691340bc2f63ba", s_snapshot.Checksum.ToString());

    private static EntitySnapshot Commanded(CommandRecord first) =>
        s_snapshot with { Commands = [first, s_snapshot.Commands[1]] };

    private static ChainHash Hash(byte first) => new([first, .. new byte[ChainHash.Length - 1]]);
}
