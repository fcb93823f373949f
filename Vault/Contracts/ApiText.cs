using System.Text.Json;
using System.Text.Json.Serialization;

namespace ReplicationEngine.Vault.Contracts;

/// <summary>The spelling of the domain's enumerations in the API, in URLs and on the console: kebab case.</summary>
public static class ApiText
{
    /// <summary>
    /// Returns the kebab-case text of a value, such as <c>dirty-map</c> for <c>CaptureMode.DirtyMap</c>.
    /// </summary>
    public static string Of<TEnum>(TEnum value)
        where TEnum : struct, Enum => JsonNamingPolicy.KebabCaseLower.ConvertName(value.ToString());

    /// <summary>Returns the kebab-case text of a value, or <c>unknown</c> for null.</summary>
    public static string Of<TEnum>(TEnum? value)
        where TEnum : struct, Enum => value is { } known ? Of(known) : Unknown;

    /// <summary>The text of a value that no source reports.</summary>
    internal const string Unknown = "unknown";
}

/// <summary>Writes an enumeration as <see cref="ApiText"/> spells it and reads no other spelling.</summary>
public sealed class KebabCase<TEnum>() : JsonStringEnumConverter<TEnum>(JsonNamingPolicy.KebabCaseLower, false)
    where TEnum : struct, Enum;

/// <summary>Writes null, a value that no source reports, as <c>unknown</c>.</summary>
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
