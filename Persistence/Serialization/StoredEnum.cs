namespace ReplicationEngine.Persistence.Serialization;

/// <summary>The stored numbers and texts of one enumeration. Immutable.</summary>
internal sealed class StoredEnum
{
    private readonly Dictionary<int, object> _byNumber;
    private readonly Dictionary<object, (int Number, string Text)> _byValue;

    private StoredEnum(Type type, IReadOnlyList<(object Value, int Number, string Text)> entries)
    {
        Type = type;
        _byNumber = entries.ToDictionary(entry => entry.Number, entry => entry.Value);
        _byValue = entries.ToDictionary(entry => entry.Value, entry => (entry.Number, entry.Text));
    }

    /// <summary>The enumeration.</summary>
    public Type Type { get; }

    /// <summary>Its name in lists of stored members.</summary>
    public string Name => Type.Name;

    /// <summary>The stored numbers and texts.</summary>
    public IEnumerable<(int Number, string Text)> Entries => _byValue.Values;

    /// <summary>The table of an enumeration.</summary>
    public static StoredEnum Of<TEnum>(params (TEnum Value, int Number, string Text)[] entries)
        where TEnum : struct, Enum =>
        new(typeof(TEnum), [.. entries.Select(entry => ((object)entry.Value, entry.Number, entry.Text))]);

    /// <summary>The value that is stored as a number.</summary>
    /// <exception cref="FormatException">No value is.</exception>
    public object Known(int number) => _byNumber.TryGetValue(number, out var value)
        ? value
        : throw new FormatException($"{number} is not the number of a {Name}.");

    /// <summary>The number of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has none.</exception>
    public int NumberOf(object value) => Entry(value).Number;

    /// <summary>The text of a value.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value has none.</exception>
    public string TextOf(object value) => Entry(value).Text;

    private (int Number, string Text) Entry(object value) => _byValue.TryGetValue(value, out var entry)
        ? entry
        : throw new ArgumentOutOfRangeException(nameof(value), value, $"It has no number in the table of {Name}.");
}
