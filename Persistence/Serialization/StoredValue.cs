using System.Buffers;
using System.Text;
using System.Text.Json;
using MessagePack;

namespace ReplicationEngine.Persistence.Serialization;

// The stored forms, in MessagePack and in JSON for logs and users:
//
//   bool         bool                                  true or false
//   int, long    int                                   number
//   string       str, UTF-8                            string
//   DateTime     timestamp (extension -1), 100 ns      RFC 3339 in UTC, with 0, 3, 6 or 9 digits of a second
//   TimeSpan     int, ticks of 100 ns                  seconds and "s", with 0, 3, 6 or 9 decimals
//   Guid         bin, 16 bytes, RFC 9562 byte order    32 hexadecimal digits
//   an enum      int, by the table in StoredEnums      the table's text
//   a contract   array                                 object
//   T[]          array of any of these, without nil    array
//
// No other type is stored, so the bytes never name a type to instantiate.

/// <summary>The stored form of values of one type.</summary>
/// <param name="name">The type's name in lists of stored members.</param>
internal abstract class StoredValue(string name)
{
    private const int IdBytes = 16;

    // Damage in a text is detected, not replaced.
    private static readonly UTF8Encoding Strict = new(false, throwOnInvalidBytes: true);

    private static readonly Dictionary<Type, StoredValue> Scalars = new()
    {
        [typeof(bool)] = new Scalar<bool>(
            "bool", static (ref w, v) => w.Write(v), static (ref r) => r.ReadBoolean(), static (j, v) =>
                j.WriteBooleanValue(v)),
        [typeof(int)] = new Scalar<int>(
            "int32", static (ref w, v) => w.Write(v), static (ref r) => r.ReadInt32(), static (j, v) =>
                j.WriteNumberValue(v)),
        [typeof(long)] = new Scalar<long>(
            "int64", static (ref w, v) => w.Write(v), static (ref r) => r.ReadInt64(), static (j, v) =>
                j.WriteNumberValue(v)),
        [typeof(string)] = new Scalar<string>(
            "text", static (ref w, v) => w.Write(v), ReadText, static (j, v) => j.WriteStringValue(v)),
        [typeof(DateTime)] = new Scalar<DateTime>(
            "time", static (ref w, v) => w.Write(v), static (ref r) => r.ReadDateTime(), static (j, v) =>
                j.WriteStringValue(StoredTexts.Of(v))),
        [typeof(TimeSpan)] = new Scalar<TimeSpan>(
            "span", static (ref w, v) => w.Write(v.Ticks), static (ref r) => new TimeSpan(r.ReadInt64()),
            static (j, v) => j.WriteStringValue(StoredTexts.Of(v))),
        [typeof(Guid)] = new Scalar<Guid>(
            "id", WriteId, ReadId, static (j, v) => j.WriteStringValue(v.ToString("N"))),
    };

    private delegate void Writing<T>(ref MessagePackWriter writer, T value);

    private delegate T Reading<T>(ref MessagePackReader reader);

    /// <summary>The type's name in lists of stored members.</summary>
    public string Name { get; } = name;

    /// <summary>The schema of the contract that a value is or contains; null for a scalar.</summary>
    public virtual ContractSchema? Contract => null;

    /// <summary>Returns the stored form of a type's values.</summary>
    /// <exception cref="InvalidOperationException">The type cannot be stored.</exception>
    public static StoredValue Of(Type type) => type switch
    {
        _ when Scalars.TryGetValue(type, out var scalar) => scalar,
        { IsEnum: true } => new Enumerated(StoredEnums.Of(type)),
        { IsSZArray: true } => new Items(type.GetElementType()!),
        _ when ContractSchema.IsContract(type) => new Nested(type),
        _ => throw new InvalidOperationException($"Values of type {type} have no stored form."),
    };

    /// <summary>Writes a value.</summary>
    public abstract void Write(ref MessagePackWriter writer, object value);

    /// <summary>Reads a value.</summary>
    /// <exception cref="Exception">The bytes are not a value; see <see cref="StoredForms{TBase}"/>.</exception>
    public abstract object Read(ref MessagePackReader reader);

    /// <summary>Writes a value as JSON for logs and users.</summary>
    public abstract void WriteJson(Utf8JsonWriter json, object value);

    private static string ReadText(ref MessagePackReader reader)
    {
        var bytes = reader.ReadStringSequence() ?? throw new FormatException("A text is missing.");
        return bytes.IsSingleSegment ? Strict.GetString(bytes.FirstSpan) : Strict.GetString(bytes);
    }

    private static void WriteId(ref MessagePackWriter writer, Guid id)
    {
        writer.WriteBinHeader(IdBytes);
        id.TryWriteBytes(writer.GetSpan(IdBytes), bigEndian: true, out _);
        writer.Advance(IdBytes);
    }

    private static Guid ReadId(ref MessagePackReader reader)
    {
        var bytes = reader.ReadBytes() ?? throw new FormatException("An id is missing.");
        return bytes.Length == IdBytes
            ? new Guid(bytes.ToArray(), bigEndian: true)
            : throw new FormatException($"An id has {bytes.Length} bytes instead of {IdBytes}.");
    }

    private sealed class Scalar<T>(string name, Writing<T> write, Reading<T> read, Action<Utf8JsonWriter, T> json)
        : StoredValue(name)
        where T : notnull
    {
        public override void Write(ref MessagePackWriter writer, object value) => write(ref writer, (T)value);

        public override object Read(ref MessagePackReader reader) => read(ref reader);

        public override void WriteJson(Utf8JsonWriter writer, object value) => json(writer, (T)value);
    }

    private sealed class Enumerated(StoredEnum values) : StoredValue(values.Name)
    {
        public override void Write(ref MessagePackWriter writer, object value) => writer.Write(values.NumberOf(value));

        public override object Read(ref MessagePackReader reader) => values.Known(reader.ReadInt32());

        public override void WriteJson(Utf8JsonWriter json, object value) =>
            json.WriteStringValue(values.TextOf(value));
    }

    private sealed class Nested(Type type) : StoredValue("object")
    {
        public override ContractSchema Contract { get; } = ContractSchema.Of(type);

        public override void Write(ref MessagePackWriter writer, object value) => Contract.Write(ref writer, value);

        public override object Read(ref MessagePackReader reader) => Contract.Read(ref reader);

        public override void WriteJson(Utf8JsonWriter json, object value) => Contract.WriteJson(json, value);
    }

    private sealed class Items(Type item) : StoredValue($"{Of(item).Name}[]")
    {
        private readonly StoredValue _item = Of(item);

        public override ContractSchema? Contract => _item.Contract;

        public override void Write(ref MessagePackWriter writer, object value)
        {
            var items = (Array)value;
            writer.WriteArrayHeader(items.Length);
            foreach (var each in items)
            {
                _item.Write(ref writer, each);
            }
        }

        public override object Read(ref MessagePackReader reader)
        {
            // The header is refused when fewer bytes than items follow, so a false length allocates nothing.
            var items = Array.CreateInstance(item, reader.ReadArrayHeader());
            for (var index = 0; index < items.Length; index++)
            {
                items.SetValue(_item.Read(ref reader), index);
            }

            return items;
        }

        public override void WriteJson(Utf8JsonWriter json, object value)
        {
            json.WriteStartArray();
            foreach (var each in (Array)value)
            {
                _item.WriteJson(json, each);
            }

            json.WriteEndArray();
        }
    }
}
