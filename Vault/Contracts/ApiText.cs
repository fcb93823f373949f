using System.Text.Json;
using System.Text.Json.Serialization;

namespace ReplicationEngine.Vault.Contracts;

/// <summary>The one spelling of the domain's enumerations in the API, in URLs and on the console: kebab case.</summary>
public static class ApiText
{
    /// <summary>A value's text, such as <c>dirty-map</c> for <c>CaptureMode.DirtyMap</c>.</summary>
    public static string Of<TEnum>(TEnum value)
        where TEnum : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>A value's text; <c>unknown</c> for null.</summary>
    public static string Of<TEnum>(TEnum? value)
        where TEnum : struct, Enum => value is { } known ? Of(known) : Unknown;

    /// <summary>What is written for a value that nothing reports.</summary>
    internal const string Unknown = "unknown";
}

/// <summary>Writes an enumeration as <see cref="ApiText"/> spells it, and takes nothing else.</summary>
public sealed class KebabCase<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.KebabCaseLower, false)
    where TEnum : struct, Enum;

/// <summary>Writes <c>unknown</c> where a value is not known (null), because nothing reports it.</summary>
public sealed class NullIsUnknown<TEnum> : JsonConverter<TEnum?>
    where TEnum : struct, Enum
{
    /// <inheritdoc/>
    public override bool HandleNull => true;

    /// <inheritdoc/>
    public override TEnum? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var text = reader.GetString();
        foreach (var value in Enum.GetValues<TEnum>())
        {
            if (ApiText.Of(value) == text)
            {
                return value;
            }
        }

        return text == ApiText.Unknown ? null : throw new JsonException($"'{text}' is not a {typeof(TEnum).Name}.");
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, TEnum? value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        writer.WriteStringValue(ApiText.Of(value));
    }
}
