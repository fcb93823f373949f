using System.Text;
using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Tests.Persistence.ProtectedVms;
using ReplicationEngine.Tests.Persistence.Replay;
using ReplicationEngine.Tests.TestKit.Properties;
using ReplicationEngine.Tests.TestKit.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.Properties;

/// <summary>
/// No bytes whatever make a decoder do anything but answer or say with its own exception that it cannot.
/// </summary>
public sealed class Codecs_of_a_journal
{
    private static readonly ProtectedVmCodec Codec = new();

    private static readonly string[] Names =
        [.. Samples.EventTypes.Select(type => Codec.Encode(Samples.Event(type, 0)).Name)];

    private static readonly string[] CommandNames =
        [.. Samples.CommandTypes.Select(type => Codec.EncodeCommand(Samples.Command(type, 0)).Name)];

    private static readonly Arbitrary<byte[]> Bytes = ArbMap.Default.ArbFor<byte[]>();

    [Fact]
    [Trait("Req", "I7")]
    public void Arbitrary_bytes_under_any_name_are_an_event_or_a_typed_error() => Laws.Hold(1_000, Prop.ForAll(
        Gen.Elements(Names).ToArbitrary(), Bytes, (name, bytes) => ReadOrRefused(() => Codec.Decode(name, bytes))));

    [Fact]
    [Trait("Req", "I7")]
    public void Arbitrary_bytes_under_any_name_are_a_command_or_a_typed_error() => Laws.Hold(1_000, Prop.ForAll(
        Gen.Elements(CommandNames).ToArbitrary(), Bytes,
        (name, bytes) => ReadOrRefused(() => Codec.DecodeCommand(name, bytes))));

    [Fact]
    [Trait("Req", "I7")]
    public void Arbitrary_bytes_are_a_snapshot_or_a_typed_error() => Laws.Hold(1_000, Prop.ForAll(
        Bytes, bytes => ReadOrRefused(() => Codec.DecodeState(bytes))));

    [Fact]
    [Trait("Req", "I7")]
    public void A_snapshot_with_any_part_replaced_is_a_snapshot_or_a_typed_error()
    {
        var whole = Encoding.UTF8.GetString(Codec.EncodeState(Stories.Protected().State));
        Laws.Hold(500, Prop.ForAll(
            Gen.Choose(0, whole.Length - 1).ToArbitrary(), Gen.Choose(0, 40).ToArbitrary(),
            Gen.Elements("", "null", "{}", "[]", "-1", "\"x\"", "1e999", "true", "\"$type\"").ToArbitrary(),
            (at, length, put) => ReadOrRefused(() => Codec.DecodeState(Encoding.UTF8.GetBytes(
                whole[..at] + put + whole[Math.Min(whole.Length, at + length)..])))));
    }

    [Fact]
    [Trait("Req", "I17")]
    public void Every_event_of_a_random_life_comes_back_as_it_was_and_re_encodes_to_the_same_bytes() => Laws.Hold(
        40, Prop.ForAll(Laws.Sequences(Gen.Choose(0, 1_000_000), 150), life => ComeBack(life.Items, Codec.Encode)));

    [Fact]
    [Trait("Req", "I17")]
    public void Every_command_of_a_random_life_comes_back_equal_to_what_it_was() => Laws.Hold(
        40, Prop.ForAll(Laws.Sequences(Gen.Choose(0, 1_000_000), 150), life =>
        {
            var story = new Story { Now = Story.Monday.AddTicks(1_234_567) };
            foreach (var number in life.Items)
            {
                var command = RandomLife.Command(story.After(TimeSpan.FromSeconds(number % 400)), number);
                var stored = Codec.EncodeCommand(command);
                Assert.Equal(command, Codec.DecodeCommand(stored.Name, stored.Payload));
                story.Try(command);
            }
        }));

    [Fact]
    public void An_encoder_that_loses_the_fractions_of_seconds_is_found()
    {
        var failure = Laws.Fail(40, Prop.ForAll(
            Laws.Sequences(Gen.Choose(0, 1_000_000), 150),
            life => ComeBack(life.Items, @event => Codec.Encode(
                @event with { At = new DateTimeOffset(@event.At.Ticks / 10_000_000 * 10_000_000, TimeSpan.Zero) }))));

        Assert.Contains("when ", failure, StringComparison.Ordinal);
    }

    [Fact]
    [Trait("Req", "I7")]
    public void An_export_with_any_bytes_replaced_is_refused_or_verified_and_never_anything_else()
    {
        using var lives = new RecordedLives().Record(2, 25, "web-1");
        var sound = File.ReadAllBytes(lives.Export("sound"));
        var path = lives.New("changed");
        Laws.Hold(150, Prop.ForAll(
            Gen.Choose(0, sound.Length - 1).ToArbitrary(), Bytes, (at, bytes) =>
            {
                var changed = (byte[])sound.Clone();
                bytes.AsSpan(0, Math.Min(bytes.Length, sound.Length - at)).CopyTo(changed.AsSpan(at));
                File.WriteAllBytes(path, changed);
                try
                {
                    var verified = lives.Verify(path);
                    Assert.Equal(changed.AsSpan().SequenceEqual(sound), verified.IsSound);
                }
                catch (ExportDamagedException exception)
                {
                    Assert.Contains(path, exception.Message, StringComparison.Ordinal);
                }
            }));
    }

    private static void ComeBack(IReadOnlyList<int> life, Func<ProtectedVmEvent, EncodedEvent> encode)
    {
        var story = new Story { Now = Story.Monday.AddTicks(1_234_567) };
        foreach (var number in life)
        {
            story.After(TimeSpan.FromSeconds(number % 400)).Try(RandomLife.Command(story, number));
        }

        foreach (var @event in story.Events)
        {
            var stored = encode(@event);
            var decoded = Codec.Decode(stored.Name, stored.Payload);
            Assert.Equal(@event, decoded);
            Assert.Equal(stored.Payload, Codec.Encode(decoded).Payload);
        }
    }

    private static void ReadOrRefused(Action decode)
    {
        try
        {
            decode();
        }
        catch (UnreadableEventException exception)
        {
            Assert.NotEmpty(exception.Message);
        }
    }
}
