using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Reflection;
using System.Text.Json;
using MessagePack;

namespace ReplicationEngine.Persistence.Serialization;

// A contract is stored as a MessagePack array whose element n is the member with Key(n), as MessagePack's own resolver
// writes it. That resolver generates code for each type when it is first used, which costs more than a tenth of a
// second at the start of every process; this schema gets by with reflection, and only knows the types in StoredValue.
//
// Arrays are append-only. Elements after the last known member were written by a newer version and are skipped;
// members after the last element were added after the array was written and take their defaults.

/// <summary>The stored form of one contract type. Safe for concurrent use.</summary>
internal sealed class ContractSchema
{
    private static readonly ConcurrentDictionary<Type, ContractSchema> Known = new();

    private readonly ConstructorInvoker _make;

    private ContractSchema(Type type, ImmutableArray<ContractMember> members, ConstructorInfo constructor)
    {
        Type = type;
        Members = members;
        _make = ConstructorInvoker.Create(constructor);
    }

    /// <summary>The contract's type.</summary>
    public Type Type { get; }

    /// <summary>The members; member n has key n.</summary>
    public ImmutableArray<ContractMember> Members { get; }

    /// <summary>Returns the schema of a contract type.</summary>
    /// <exception cref="InvalidOperationException">The type is not a contract: its keys have gaps or differ from the
    /// order of its constructor, or a member's type has no stored form.</exception>
    public static ContractSchema Of(Type contract) => Known.GetOrAdd(contract, Build);

    /// <summary>Whether a type is declared as a contract.</summary>
    public static bool IsContract(Type type) => type.IsDefined(typeof(MessagePackObjectAttribute), inherit: false);

    /// <summary>Writes a contract.</summary>
    public void Write(ref MessagePackWriter writer, object contract)
    {
        writer.WriteArrayHeader(Members.Length);
        foreach (var member in Members)
        {
            if (member.Get.Invoke(contract) is { } value)
            {
                member.Value.Write(ref writer, value);
            }
            else
            {
                writer.WriteNil();
            }
        }
    }

    /// <summary>Reads a contract.</summary>
    /// <exception cref="Exception">The bytes are not a contract; see <see cref="StoredForms{TBase}"/>.</exception>
    public object Read(ref MessagePackReader reader)
    {
        MessagePackSecurity.UntrustedData.DepthStep(ref reader);
        var stored = reader.ReadArrayHeader();
        var values = new object?[Members.Length];
        for (var key = 0; key < Members.Length; key++)
        {
            var member = Members[key];
            values[key] = key >= stored || (member.Optional && reader.TryReadNil())
                ? member.Default
                : member.Value.Read(ref reader);
        }

        for (var key = Members.Length; key < stored; key++)
        {
            reader.Skip();
        }

        reader.Depth--;
        return _make.Invoke(values.AsSpan());
    }

    /// <summary>Writes a contract as a JSON object. Null members are left out.</summary>
    public void WriteJson(Utf8JsonWriter json, object contract)
    {
        json.WriteStartObject();
        foreach (var member in Members)
        {
            if (member.Get.Invoke(contract) is { } value)
            {
                json.WritePropertyName(member.Name);
                member.Value.WriteJson(json, value);
            }
        }

        json.WriteEndObject();
    }

    private static ContractSchema Build(Type contract)
    {
        if (!IsContract(contract))
        {
            throw new InvalidOperationException($"{contract} is not marked as a MessagePack object.");
        }

        var constructors = contract.GetConstructors();
        var parameters = constructors.Length == 1 ? constructors[0].GetParameters()
            : throw new InvalidOperationException($"Contract {contract} has not one public constructor.");
        var members = ImmutableArray.CreateBuilder<ContractMember>(parameters.Length);
        foreach (var parameter in parameters)
        {
            var property = contract.GetProperty(parameter.Name!);
            if (property?.GetCustomAttribute<KeyAttribute>()?.IntKey != parameter.Position)
            {
                throw new InvalidOperationException(
                    $"'{parameter.Name}' of contract {contract} does not have its place as its key.");
            }

            members.Add(MemberOf(property));
        }

        return new ContractSchema(contract, members.MoveToImmutable(), constructors[0]);
    }

    private static ContractMember MemberOf(PropertyInfo property)
    {
        var type = property.PropertyType;
        var plain = Nullable.GetUnderlyingType(type) ?? type;
        var optional = !type.IsValueType || plain != type;
        return new ContractMember(
            JsonNamingPolicy.CamelCase.ConvertName(property.Name),
            StoredValue.Of(plain),
            optional,
            optional ? null : Activator.CreateInstance(type),
            MethodInvoker.Create(property.GetMethod!));
    }
}

/// <summary>A member of a contract.</summary>
/// <param name="Name">The name in JSON.</param>
/// <param name="Value">How the value is stored.</param>
/// <param name="Optional">Whether the value may be nil.</param>
/// <param name="Default">The value when the stored array ends before this member.</param>
/// <param name="Get">Reads the value from a contract.</param>
internal sealed record ContractMember(
    string Name, StoredValue Value, bool Optional, object? Default, MethodInvoker Get);
