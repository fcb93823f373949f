namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>The kind of a member's value. The parser and the published schema are both made from these kinds.</summary>
internal abstract record ValueKind
{
    private ValueKind()
    {
    }

    /// <summary>Any text that is not empty.</summary>
    public sealed record Text : ValueKind;

    /// <summary>A name: letters, digits, dots, dashes and underscores.</summary>
    public sealed record Name : ValueKind;

    /// <summary>One word of several.</summary>
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

    /// <summary>A list with a minimum number of items.</summary>
    public sealed record ListOf(ValueKind Item, int Least) : ValueKind;

    /// <summary>An object, given by the name of its shape.</summary>
    public sealed record Part(string Shape) : ValueKind;
}

/// <summary>A member that an object may have.</summary>
/// <param name="Name">The member's name.</param>
/// <param name="Kind">The kind of the member's value.</param>
/// <param name="Description">The meaning of the member, for people.</param>
/// <param name="Default">The value that applies when the member is left out; null when there is none.</param>
/// <param name="Required">Whether the member must be written.</param>
internal sealed record Field(
    string Name, ValueKind Kind, string Description, string? Default = null, bool Required = false);

/// <summary>A kind of object, with its members.</summary>
/// <param name="Name">The name of the shape in the schema.</param>
/// <param name="Description">The description of the object.</param>
/// <param name="Fields">The members of the object.</param>
internal sealed record Shape(string Name, string Description, params Field[] Fields)
{
    /// <summary>Returns the member with a name; null when the shape does not have it.</summary>
    public Field? Find(string name) =>
        Array.Find(Fields, field => string.Equals(field.Name, name, StringComparison.Ordinal));
}
