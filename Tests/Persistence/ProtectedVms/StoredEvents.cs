using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Tests.Engine.ProtectedVms;
using ProtectedVmReflection = ReplicationEngine.Persistence.Contracts.V1.ProtectedVmReflection;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

public sealed class Stored_events_of_a_protected_vm
{
    private static readonly ProtectedVmCodec Codec = new();

    [Fact]
    [Trait("Req", "I17")]
    public void Have_the_names_and_bytes_they_always_had()
    {
        var golden = Golden();
        var changed = Samples.EventTypes.Select(type => Codec.Encode(Samples.Event(type, 0)))
            .Select(stored => $"{stored.Name} {Convert.ToHexStringLower(stored.Payload)}")
            .Where(line => !golden.Contains(line))
            .ToList();

        Assert.True(
            changed.Count == 0,
            "These stored forms are not in golden.txt. A new event: add its line. An old one: give the new form a new "
            + $"name, and keep reading the old.\n{string.Join('\n', changed)}");
    }

    [Fact]
    public void Are_read_whatever_version_ever_wrote_them()
    {
        foreach (var line in Golden())
        {
            var (name, payload) = (line.Split(' ')[0], Convert.FromHexString(line.Split(' ')[1]));
            var again = Codec.Encode(Codec.Decode(name, payload));
            Assert.Equal(payload, again.Payload);
        }
    }

    [Fact]
    public void Come_back_as_they_were() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(60).WithQuietOnSuccess(true),
        Prop.ForAll(Gen.Choose(0, 100_000).ToArbitrary(), number =>
        {
            foreach (var type in Samples.EventTypes)
            {
                var @event = Samples.Event(type, number);
                var stored = Codec.Encode(@event);
                Assert.Equal(@event, Codec.Decode(stored.Name, stored.Payload));
            }
        }));

    [Fact]
    [Trait("Req", "I7")]
    public void Are_read_right_or_not_at_all_when_damaged() => Check.One(
        Config.QuickThrowOnFailure.WithMaxTest(200).WithQuietOnSuccess(true),
        Prop.ForAll(Gen.Choose(0, 100_000).ToArbitrary(), Gen.Choose(0, 10_000).ToArbitrary(), (number, at) =>
        {
            foreach (var type in Samples.EventTypes)
            {
                var stored = Codec.Encode(Samples.Event(type, number));
                stored.Payload[at % stored.Payload.Length] ^= (byte)(1 << (at % 8));
                try
                {
                    Assert.IsType(type, Codec.Decode(stored.Name, stored.Payload));
                }
                catch (UnreadableEventException exception)
                {
                    Assert.Contains(stored.Name, exception.Message, StringComparison.Ordinal);
                }
            }
        }));

    [Fact]
    public void Of_an_unknown_name_are_named()
    {
        var exception = Assert.Throws<UnreadableEventException>(
            () => Codec.Decode("protected-vm.teleported.v9", Array.Empty<byte>()));

        Assert.Contains("protected-vm.teleported.v9", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Without_their_parts_are_damaged()
    {
        Assert.Throws<UnreadableEventException>(
            () => Codec.Decode("protected-vm.failover-ready.v1", Array.Empty<byte>()));
    }

    [Fact]
    [Trait("Req", "OPS-5")]
    public void Are_shown_as_json_for_people()
    {
        var id = new RecoveryPointId(new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]));
        var skipped = new ProtectedVmEvent.RecoveryPointSkipped(
            new DateTimeOffset(2024, 3, 4, 9, 0, 0, TimeSpan.Zero), id, "No room.");
        var stored = Codec.Encode(skipped);

        var json = $$"""{ "at": "2024-03-04T09:00:00Z", "point": "{{id}}", "reason": "No room." }""";
        Assert.Equal(json, ProtectedVmCodec.ToJson(skipped));
        Assert.Equal(json, ProtectedVmCodec.ToJson(stored.Name, stored.Payload));
    }

    [Fact]
    [Trait("Req", "RCP-1")]
    public void Of_a_recovery_point_are_small()
    {
        var life = Stories.Protected();
        life.Events.Clear();
        life.Fire("point");
        var pending = life.State.PointSchedule.Pending!;
        life.Do(new ProtectedVmCommand.RecordRecoveryPointSealed(
            Story.Point(9, life.Now) with { Id = pending.Id }));

        Assert.InRange(life.Events.Sum(@event => Codec.Encode(@event).Payload.Length), 1, 160);
    }

    [Fact]
    public void Have_enumerations_with_the_domains_numbers()
    {
        var domain = new[]
        {
            typeof(EffectKind), typeof(ErrorClass), typeof(Direction), typeof(FailoverKind),
            typeof(ResyncReason), typeof(PointKind),
            typeof(PointGrade), typeof(HealthKind),
            typeof(HealthLevel), typeof(AutoResync),
        };
        foreach (var type in domain)
        {
            var stored = ProtectedVmReflection.Descriptor.EnumTypes.Single(known => known.Name == type.Name);
            var expected = Enum.GetValues(type).Cast<object>().Select(
                value => ($"{Prefix(type.Name)}_{Prefix(value.ToString()!)}", (int)value));
            Assert.Equal(expected, stored.Values.Select(value => (value.Name, value.Number)).Where(
                value => !value.Name.EndsWith("_UNSPECIFIED", StringComparison.Ordinal)));
        }
    }

    private static string Prefix(string name) =>
        string.Concat(name.Select(
            (c, index) => index > 0 && char.IsUpper(c) ? $"_{c}" : $"{char.ToUpperInvariant(c)}"));

    private static List<string> Golden() => [.. File.ReadLines(
        Path.Combine(AppContext.BaseDirectory, "ProtectedVms", "golden.txt"), Encoding.UTF8)];
}
