namespace ReplicationEngine.Persistence.Serialization;

/// <summary>The stored numbers and texts of one enumeration. Immutable.</summary>
internal sealed class StoredEnum
{
    private readonly Dictionary<int, StoredEnumValue> _byNumber = [];
    private readonly Dictionary<object, StoredEnumValue> _byValue = [];

    /// <summary>The table of an enumeration.</summary>
    /// <param name="type">The enumeration.</param>
    /// <param name="values">Its values, each once.</param>
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

    /// <summary>Its name in lists of stored members.</summary>
    public string Name => Type.Name;

    /// <summary>The values with their numbers and texts.</summary>
    public IReadOnlyCollection<StoredEnumValue> Values => _byValue.Values;

    /// <summary>The value that is stored as a number.</summary>
    /// <exception cref="FormatException">No value is.</exception>
    public object Known(int number) => _byNumber.TryGetValue(number, out var value)
        ? value.Value
        : throw new FormatException($"{number} is not the number of a {Name}.");

    /// <summary>The number of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has none.</exception>
    public int NumberOf(object value) => Entry(value).Number;

    /// <summary>The text of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has none.</exception>
    public string TextOf(object value) => Entry(value).Text;

    private StoredEnumValue Entry(object value) => _byValue.TryGetValue(value, out var entry)
        ? entry
        : throw new ArgumentOutOfRangeException(nameof(value), value, $"It has no number in the table of {Name}.");
}

/// <summary>One value of an enumeration.</summary>
/// <param name="Value">The value.</param>
/// <param name="Number">The number that is stored.</param>
/// <param name="Text">The text that is shown.</param>
internal sealed record StoredEnumValue(object Value, int Number, string Text);
