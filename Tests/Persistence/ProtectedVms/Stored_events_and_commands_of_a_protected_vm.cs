using FsCheck;
using FsCheck.Fluent;
using MessagePack;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Tests.TestKit.Properties;
using ReplicationEngine.Tests.TestKit.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

public sealed class Stored_events_and_commands_of_a_protected_vm
{
    private static readonly ProtectedVmCodec Codec = new();
    private static readonly DateTimeOffset Nine = new(2024, 3, 4, 9, 0, 0, TimeSpan.Zero);
    private static readonly RecoveryPointId Point = new(new Guid(1, 2, 3, [4, 5, 6, 7, 8, 9, 10, 11]));

    private static Arbitrary<int> Numbers => Gen.OneOf(
        Gen.Choose(0, Samples.FirstRandom - 1), Gen.Choose(Samples.FirstRandom, 1_000_000)).ToArbitrary();

    [Fact]
    [Trait("Req", "I17")]
    public void Come_back_equal_to_what_they_were() => Laws.Hold(100, Prop.ForAll(Numbers, number =>
    {
        foreach (var (kind, value) in Values(number))
        {
            var (name, payload) = kind.Encode(value);
            var again = kind.Decode(name, payload);

            Assert.Equal(value, again);
            Assert.Equal(payload, kind.Encode(again).Payload);
        }
    }));

    [Fact]
    [Trait("Req", "I17")]
    public void Keep_times_and_spans_to_100_nanoseconds() => Laws.Hold(500, Prop.ForAll(
        ArbMap.Default.ArbFor<long>(), ArbMap.Default.ArbFor<long>(), (time, span) =>
        {
            var at = new DateTimeOffset((time & long.MaxValue) % DateTimeOffset.MaxValue.Ticks, TimeSpan.Zero);
            var due = Codec.EncodeCommand(new ProtectedVmCommand.TimerDue("retry", at));
            var lag = Codec.EncodeCommand(new ProtectedVmCommand.RecordLag(new TimeSpan(span), 1));

            Assert.Equal(
                new ProtectedVmCommand.TimerDue("retry", at), Codec.DecodeCommand(due.Name, due.Payload));
            Assert.Equal(
                new ProtectedVmCommand.RecordLag(new TimeSpan(span), 1), Codec.DecodeCommand(lag.Name, lag.Payload));
        }));

    [Theory]
    [InlineData(0L)]
    [InlineData(621355968000000000L)]
    [InlineData(621355967999999999L)]
    [InlineData(3155378975999999999L)]
    public void Keep_the_ends_of_time(long ticks)
    {
        var fired = new ProtectedVmCommand.TimerDue("retry", new DateTimeOffset(ticks, TimeSpan.Zero));
        var stored = Codec.EncodeCommand(fired);

        Assert.Equal(fired, Codec.DecodeCommand(stored.Name, stored.Payload));
    }

    [Fact]
    public void Written_by_a_newer_version_are_read_without_the_elements_that_were_added() => Laws.Hold(
        30, Prop.ForAll(Numbers, number =>
        {
            foreach (var (kind, value) in Values(number))
            {
                var (name, payload) = kind.Encode(value);

                Assert.Equal(value, kind.Decode(name, Grown(payload)));
            }
        }));

    [Fact]
    public void Written_by_a_newer_version_are_read_without_what_was_added_to_their_parts()
    {
        var resized = new ProtectedVmCommand.RecordEffectSucceeded(
            new EffectId("check"), new EffectResult.PrerequisitesMet([new ProtectedDisk("/a", 5, "", true)]));
        var (name, payload) = Codec.EncodeCommand(resized);
        Assert.Equal("92a5636865636b97029194a22f6105a0c3c0c0c0c0c0", Convert.ToHexStringLower(payload));

        var grown = Convert.FromHexString("92a5636865636b" + "98029195a22f6105a0c3" + "a17a" + "c0c0c0c0c0" + "c2");

        Assert.Equal(resized, Codec.DecodeCommand(name, grown));
    }

    [Fact]
    public void Written_by_an_older_version_have_defaults_for_the_elements_that_were_added()
    {
        var point = Story.Point(1, Nine);
        var full = Codec.Encode(new ProtectedVmEvent.RecoveryPointSealed(Nine, point, "Fewer."));
        var started = new ProtectedVmEvent.FailoverStarted(
            Nine, "ada", FailoverKind.Planned, new ChosenPoint(Point, true), true, new Term(2));

        Assert.Equal(
            new ProtectedVmEvent.RecoveryPointSealed(Nine, point, null),
            Codec.Decode(full.Name, Cut(full.Payload, keep: 2)));
        var forced = Codec.Encode(started with { Forced = true });
        Assert.Equal(started, Codec.Decode(forced.Name, Cut(forced.Payload, keep: 6)));
        var asked = Codec.EncodeCommand(new ProtectedVmCommand.MakeRecoveryPoint(PointKind.Crash, true));
        Assert.Equal(
            new ProtectedVmCommand.MakeRecoveryPoint(PointKind.Crash),
            Codec.DecodeCommand(asked.Name, Cut(asked.Payload, keep: 1)));
    }

    [Fact]
    public void Of_an_unknown_name_are_named() => Assert.All(StoredKind.All, kind =>
    {
        var exception = Assert.Throws<UnreadableEventException>(
            () => kind.Decode("protected-vm.teleported.v9", Array.Empty<byte>()));

        Assert.Contains(
            $"Stored {kind.Name} 'protected-vm.teleported.v9'", exception.Message, StringComparison.Ordinal);
        Assert.Throws<UnreadableEventException>(
            () => kind.Json("protected-vm.teleported.v9", Array.Empty<byte>()));
    });

    [Fact]
    [Trait("Req", "OPS-5")]
    public void Are_shown_as_one_line_of_json()
    {
        var skipped = Codec.Encode(new ProtectedVmEvent.RecoveryPointSkipped(Nine, Point, "No \"room\"\nä."));
        var lag = Codec.EncodeCommand(new ProtectedVmCommand.RecordLag(TimeSpan.FromMilliseconds(-1_500), 1L << 60));

        Assert.Equal(
            $$"""{"at":"2024-03-04T09:00:00Z","point":"{{Point}}","reason":"No \"room\"\nä."}""",
            ProtectedVmCodec.ToJson(skipped.Name, skipped.Payload));
        Assert.Equal(
            """{"lag":"-1.500s","bytes":1152921504606846976}""",
            ProtectedVmCodec.CommandToJson(lag.Name, lag.Payload));
    }

    [Fact]
    [Trait("Req", "OPS-5")]
    public void Are_shown_with_readable_values_and_without_what_is_absent()
    {
        var failed = new ProtectedVmEvent.EffectFailed(
            Nine.AddTicks(1), EffectKind.StartResync, EffectError.Of(ErrorClass.Recoverable, "Full.", ""), 2, null);
        var succeeded = new ProtectedVmCommand.RecordEffectSucceeded(
            new EffectId("resync-7"), new EffectResult.Quiesced(new Lsn(7), false));

        Assert.Equal(
            """
            {"at":"2024-03-04T09:00:00.000000100Z","kind":"EFFECT_KIND_START_RESYNC","error":
            {"class":"ERROR_CLASS_RECOVERABLE","reasons":["Full."],"remedy":""},"failures":2}
            """.ReplaceLineEndings(""),
            ProtectedVmCodec.ToJson(failed));
        Assert.Equal(
            """
            {"effect":"resync-7","result":{"kind":"EFFECT_RESULT_QUIESCED","lastLsn":7,"confirmedByAgent":false}}
            """,
            ProtectedVmCodec.CommandToJson(succeeded));
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

        Assert.InRange(life.Events.Sum(@event => Codec.Encode(@event).Payload.Length), 1, 100);
    }

    private static IEnumerable<(StoredKind Kind, object Value)> Values(int number) => StoredKind.All.SelectMany(
        kind => kind.Types.Select(type => (kind, kind.Sample(type, number))));

    // The payload with elements of many types behind its last one.
    private static byte[] Grown(byte[] payload)
    {
        var count = new MessagePackReader(payload).ReadArrayHeader();
        var buffer = new System.Buffers.ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(count + 5);
        writer.WriteRaw(payload.AsSpan(1));
        writer.Write("a text");
        writer.WriteNil();
        writer.WriteMapHeader(1);
        writer.Write(1);
        writer.WriteArrayHeader(2);
        writer.Write(1.5);
        writer.Write(new byte[300]);
        writer.WriteExtensionFormat(new ExtensionResult(7, new byte[3]));
        writer.Write(ulong.MaxValue);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static byte[] Cut(byte[] payload, int keep)
    {
        var reader = new MessagePackReader(payload);
        Assert.True(reader.ReadArrayHeader() > keep);
        for (var element = 0; element < keep; element++)
        {
            reader.Skip();
        }

        return [(byte)(0x90 | keep), .. payload.AsSpan(1, (int)reader.Consumed - 1)];
    }
}
