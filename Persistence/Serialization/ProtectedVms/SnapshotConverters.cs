using System.Collections.Immutable;
using System.Text.Json;
using System.Text.Json.Serialization;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Persistence.Serialization.ProtectedVms;

/// <summary>Serializes lists as JSON arrays.</summary>
internal sealed class ValueListConverter : JsonConverterFactory
{
    /// <inheritdoc/>
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsGenericType && typeToConvert.GetGenericTypeDefinition() == typeof(ValueList<>);

    /// <inheritdoc/>
    public override JsonConverter? CreateConverter(Type typeToConvert, JsonSerializerOptions options) =>
        (JsonConverter?)Activator.CreateInstance(typeof(Of<>).MakeGenericType(typeToConvert.GetGenericArguments()));

    private sealed class Of<T> : JsonConverter<ValueList<T>>
    {
        /// <inheritdoc/>
        public override ValueList<T> Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            JsonSerializer.Deserialize<ImmutableArray<T>>(ref reader, options).ToValueList();

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, ValueList<T> value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, value.Items, options);
    }
}

/// <summary>Serializes identifiers, which wrap one value each, as that value.</summary>
internal sealed class IdentifierConverter : JsonConverterFactory
{
    /// <inheritdoc/>
    public override bool CanConvert(Type typeToConvert) =>
        typeToConvert.IsValueType && typeToConvert.Namespace == typeof(Term).Namespace;

    /// <inheritdoc/>
    public override JsonConverter? CreateConverter(Type typeToConvert, JsonSerializerOptions options)
    {
        var value = typeToConvert.GetProperty("Value")?.PropertyType
            ?? throw new NotSupportedException($"Identifier {typeToConvert} has no Value.");
        return (JsonConverter?)Activator.CreateInstance(typeof(Of<,>).MakeGenericType(typeToConvert, value));
    }

    private sealed class Of<TId, TValue> : JsonConverter<TId>
        where TId : struct
    {
        private static readonly Func<TId, TValue> Get =
            typeof(TId).GetProperty("Value")!.GetMethod!.CreateDelegate<Getter>() is { } getter
                ? id => getter(ref id)
                : throw new NotSupportedException($"Identifier {typeof(TId)} has no Value.");

        private delegate TValue Getter(ref TId id);

        /// <inheritdoc/>
        public override TId Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            (TId)Activator.CreateInstance(typeof(TId), JsonSerializer.Deserialize<TValue>(ref reader, options))!;

        /// <inheritdoc/>
        public override void Write(Utf8JsonWriter writer, TId value, JsonSerializerOptions options) =>
            JsonSerializer.Serialize(writer, Get(value), options);
    }
}

/// <summary>Serializes point kinds under the names that they had when snapshots were first stored.</summary>
internal sealed class PointKindConverter : JsonConverter<PointKind>
{
    private const string Crash = "Crash";
    private const string App = "Application";

    public override PointKind Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        reader.GetString() switch
        {
            Crash => PointKind.Crash,
            App => PointKind.App,
            var other => throw new JsonException($"'{other}' is not a kind of recovery point."),
        };

    public override void Write(Utf8JsonWriter writer, PointKind value, JsonSerializerOptions options) =>
        writer.WriteStringValue(value switch
        {
            PointKind.Crash => Crash,
            PointKind.App => App,
            _ => throw new JsonException($"{value} is not a kind of recovery point."),
        });
}
