namespace ReplicationEngine.Persistence.Serialization;

/// <summary>The stored numbers and texts of one enumeration. Immutable.</summary>
internal sealed class StoredEnum
{
    private readonly Dictionary<int, StoredEnumValue> _byNumber = [];
    private readonly Dictionary<object, StoredEnumValue> _byValue = [];

    /// <summary>Creates the table of an enumeration.</summary>
    /// <param name="type">The enumeration.</param>
    /// <param name="values">The values, each once.</param>
    public StoredEnum(Type type, params StoredEnumValue[] values)
    {
        Type = type;
        foreach (var value in values)
        {
            _byNumber.Add(value.Number, value);
            _byValue.Add(value.Value, value);
        }
    }

    /// <summary>The enumeration.</summary>
    public Type Type { get; }

    /// <summary>The enumeration's name in lists of stored members.</summary>
    public string Name => Type.Name;

    /// <summary>The values with their numbers and texts.</summary>
    public IReadOnlyCollection<StoredEnumValue> Values => _byValue.Values;

    /// <summary>Returns the value that is stored as a number.</summary>
    /// <exception cref="FormatException">No value has this number.</exception>
    public object Known(int number) => _byNumber.TryGetValue(number, out var value)
        ? value.Value
        : throw new FormatException($"{number} is not the number of a {Name}.");

    /// <summary>Returns the number of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has no number.</exception>
    public int NumberOf(object value) => Entry(value).Number;

    /// <summary>Returns the text of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has no text.</exception>
    public string TextOf(object value) => Entry(value).Text;

    private StoredEnumValue Entry(object value) => _byValue.TryGetValue(value, out var entry)
        ? entry
        : throw new ArgumentOutOfRangeException(nameof(value), value, $"It has no number in the table of {Name}.");
}

/// <summary>A value of an enumeration with its stored forms.</summary>
/// <param name="Value">The value.</param>
/// <param name="Number">The stored number.</param>
/// <param name="Text">The displayed text.</param>
internal sealed record StoredEnumValue(object Value, int Number, string Text);
