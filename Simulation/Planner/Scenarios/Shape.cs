namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>What a value may be. The parser and the published schema are both made from these.</summary>
internal abstract record ValueKind
{
    private ValueKind()
    {
    }

    /// <summary>Any text but the empty one.</summary>
    public sealed record Text : ValueKind;

    /// <summary>A name: letters, digits, dots, dashes and underscores.</summary>
    public sealed record Name : ValueKind;

    /// <summary>A choice of words.</summary>
    public sealed record Choice(params string[] Words) : ValueKind;

    /// <summary>A number with its unit.</summary>
    public sealed record Amount(Quantity Quantity) : ValueKind;

    /// <summary>A duration, or the word <c>never</c>.</summary>
    public sealed record DurationOrNever : ValueKind;

    /// <summary>A whole number.</summary>
    public sealed record Whole(long Least, long Most) : ValueKind;

    /// <summary>True or false.</summary>
    public sealed record Flag : ValueKind;

    /// <summary>An instant in UTC, such as <c>2026-01-05T00:00:00Z</c>.</summary>
    public sealed record Instant : ValueKind;

    /// <summary>A time of day, such as <c>18:30</c>.</summary>
    public sealed record TimeOfDay : ValueKind;

    /// <summary>A list.</summary>
    public sealed record ListOf(ValueKind Item, int Least) : ValueKind;

    /// <summary>An object of a shape.</summary>
    public sealed record Part(string Shape) : ValueKind;
}

/// <summary>A member that an object may have.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Kind">What its value may be.</param>
/// <param name="Description">What it means, for people.</param>
/// <param name="Default">What holds when it is left out; null when nothing does.</param>
/// <param name="Required">It must not be left out.</param>
internal sealed record Field(
    string Name, ValueKind Kind, string Description, string? Default = null, bool Required = false);

/// <summary>A kind of object.</summary>
/// <param name="Name">Its name in the schema.</param>
/// <param name="Description">What it is.</param>
/// <param name="Fields">Its members.</param>
internal sealed record Shape(string Name, string Description, params Field[] Fields)
{
    /// <summary>The member with a name; null when there is none.</summary>
    public Field? Find(string name) =>
        Array.Find(Fields, field => string.Equals(field.Name, name, StringComparison.Ordinal));
}
