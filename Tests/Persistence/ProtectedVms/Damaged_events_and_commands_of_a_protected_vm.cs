using FsCheck.Fluent;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Tests.TestKit.Properties;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

public sealed class Damaged_events_and_commands_of_a_protected_vm
{
    private static readonly ProtectedVmCodec Codec = new();

    private static IEnumerable<(StoredKind Kind, Type Type)> Forms =>
        StoredKind.All.SelectMany(kind => kind.Types.Select(type => (kind, type)));

    [Fact]
    [Trait("Req", "I7")]
    public void Are_read_as_the_same_type_or_not_at_all() => Laws.Hold(200, Prop.ForAll(
        Gen.Choose(0, 100_000).ToArbitrary(), Gen.Choose(0, 10_000).ToArbitrary(), (number, at) =>
        {
            foreach (var (kind, type) in Forms)
            {
                var (name, payload) = kind.Encode(kind.Sample(type, number));
                payload[at % payload.Length] ^= (byte)(1 << (at % 8));
                ReadOrNamed(name, () => Assert.IsType(type, kind.Decode(name, payload)));
                ReadOrNamed(name, () => kind.Json(name, payload));
            }
        }));

    [Fact]
    [Trait("Req", "I7")]
    public void Are_not_read_when_any_number_of_bytes_is_cut_off() => Assert.All(Forms, form =>
    {
        var (name, payload) = form.Kind.Encode(form.Kind.Sample(form.Type, 0));
        for (var length = 0; length < payload.Length; length++)
        {
            IsNotRead(form.Kind, name, payload[..length]);
        }
    });

    [Fact]
    [Trait("Req", "I7")]
    public void Are_not_read_when_bytes_follow() => Assert.All(Forms, form =>
    {
        var (name, payload) = form.Kind.Encode(form.Kind.Sample(form.Type, 0));

        IsNotRead(form.Kind, name, [.. payload, 0xC0]);
        IsNotRead(form.Kind, name, [.. payload, .. payload]);
    });

    [Theory]
    [InlineData("protected-vm.failover-ready.v1", "")]
    [InlineData("protected-vm.failover-ready.v1", "c0")]
    [InlineData("protected-vm.failover-ready.v1", "90")]
    [InlineData("protected-vm.failover-ready.v1", "80")]
    [InlineData("protected-vm.failover-ready.v1", "92d6ff65e58e90c0")]
    [InlineData("protected-vm.effect-confirmed.v1", "92d6ff65e58e9000")]
    [InlineData("protected-vm.effect-confirmed.v1", "92d6ff65e58e9063")]
    [InlineData("protected-vm.effect-confirmed.v1", "92d6ff65e58e90c0")]
    [InlineData("protected-vm.effect-confirmed.v1", "91d6ff65e58e90")]
    [InlineData("protected-vm.commit-started.v1", "92d6ff65e58e90a1ff")]
    [InlineData("protected-vm.commit-started.v1", "92d6ff65e58e90c0")]
    [InlineData("protected-vm.disable-started.v1", "93d6ff65e58e90a161c0")]
    [InlineData("protected-vm.recovery-points-expired.v1", "92d6ff65e58e9091c40fabababababababababababababababab")]
    [InlineData("protected-vm.recovery-points-expired.v1", "92d6ff65e58e9091c0")]
    [InlineData("protected-vm.source-fenced.v1", "92d6ff65e58e90cfffffffffffffffff")]
    [InlineData("protected-vm.source-fenced.v1", "92c70cff00000000" + "7fffffffffffffff" + "01")]
    [InlineData("protected-vm.command.change-recovery-point.v1", "919104")]
    [InlineData("protected-vm.command.record-effect-succeeded.v1", "92a1659104")]
    [InlineData("protected-vm.command.record-in-sync.v1", "920000")]
    public void Are_not_read_without_their_parts(string name, string hex)
    {
        var kind = StoredKind.Of(name);
        var exception = Assert.Throws<UnreadableEventException>(() => kind.Decode(name, Convert.FromHexString(hex)));

        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("an array", "92d6ff65e58e90dd7fffffff")]
    [InlineData("an array of elements that were added", "dd7fffffff")]
    [InlineData("a text in an array", "92d6ff65e58e9091db7fffffff")]
    [InlineData("bytes in an array", "92d6ff65e58e9091c67fffffff")]
    [InlineData("bytes of an element that was added", "93d6ff65e58e9090c67fffffff")]
    [InlineData("a map that was added", "93d6ff65e58e9090df7fffffff")]
    [InlineData("an extension that was added", "93d6ff65e58e9090c97fffffff07")]
    public void With_a_length_that_lies_allocate_next_to_nothing(string what, string hex)
    {
        const string name = "protected-vm.recovery-points-expired.v1";
        var payload = Convert.FromHexString(hex);
        IsNotRead(StoredKind.Events, name, payload);

        var before = GC.GetAllocatedBytesForCurrentThread();
        IsNotRead(StoredKind.Events, name, payload);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        Assert.True(allocated < 100_000, $"{allocated} bytes were allocated for {what}.");
    }

    [Theory]
    [InlineData(0x91)]
    [InlineData(0x81)]
    public void With_elements_nested_without_end_do_not_exhaust_the_stack(byte nesting)
    {
        var deep = Enumerable.Repeat(nesting, 2_000_000).ToArray();
        byte[] payload = [.. Convert.FromHexString("93d6ff65e58e9090"), .. deep, 0xC0];

        ReadOrNamed(
            "protected-vm.recovery-points-expired.v1",
            () => Codec.Decode("protected-vm.recovery-points-expired.v1", payload));
    }

    private static void IsNotRead(StoredKind kind, string name, byte[] payload)
    {
        var exception = Assert.Throws<UnreadableEventException>(() => kind.Decode(name, payload));
        Assert.Contains(name, exception.Message, StringComparison.Ordinal);
    }

    private static void ReadOrNamed(string name, Action read)
    {
        try
        {
            read();
        }
        catch (UnreadableEventException exception)
        {
            Assert.Contains(name, exception.Message, StringComparison.Ordinal);
        }
    }
}
