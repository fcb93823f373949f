using MessagePack;
using MessagePack.Formatters;
using MessagePack.Resolvers;
using ReplicationEngine.Persistence.Serialization;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;

namespace ReplicationEngine.Tests.Persistence.ProtectedVms;

/// <summary>MessagePack's own resolver, which generates code for the contracts, as a second opinion.</summary>
public sealed class Contracts_of_a_protected_vm
{
    private static readonly MessagePackSerializerOptions Own = MessagePackSerializerOptions.Standard
        .WithSecurity(MessagePackSecurity.UntrustedData)
        .WithResolver(CompositeResolver.Create(
            [
                new SixteenBytes(), new StaticNullableFormatter<Guid>(new SixteenBytes()),
                new StaticNullableFormatter<PointChoiceKind>(new GenericEnumFormatter<PointChoiceKind>()),
                new StaticNullableFormatter<EffectResultKind>(new GenericEnumFormatter<EffectResultKind>()),
            ],
            [
                BuiltinResolver.Instance, DynamicEnumResolver.Instance, DynamicGenericResolver.Instance,
                DynamicObjectResolverAllowPrivate.Instance,
            ]));

    [Fact]
    public void Have_the_bytes_that_the_librarys_own_resolver_writes_and_reads()
    {
        Agree(ProtectedVmCodec.Events.All, Samples.Event);
        Agree(ProtectedVmCodec.Commands.All, Samples.Command);
    }

    private static void Agree<TBase>(IEnumerable<StoredForm<TBase>> forms, Func<Type, int, TBase> sample)
        where TBase : class
    {
        foreach (var form in forms)
        {
            foreach (var number in Samples.GoldenNumbers(form.Case).Append(Samples.FirstRandom))
            {
                var value = sample(form.Case, number);
                var written = MessagePackSerializer.Serialize(form.Contract, form.ToContract(value), Own);
                var read = MessagePackSerializer.Deserialize(form.Contract, written, Own);

                Assert.Equal(new StoredForms<TBase>("sample", [form]).Encode(value).Payload, written);
                Assert.Equal(value, form.FromContract(read!));
            }
        }
    }

    private sealed class SixteenBytes : IMessagePackFormatter<Guid>
    {
        public void Serialize(ref MessagePackWriter writer, Guid value, MessagePackSerializerOptions options) =>
            writer.Write(value.ToByteArray(bigEndian: true));

        public Guid Deserialize(ref MessagePackReader reader, MessagePackSerializerOptions options) =>
            new(System.Buffers.BuffersExtensions.ToArray(reader.ReadBytes()!.Value), bigEndian: true);
    }
}
