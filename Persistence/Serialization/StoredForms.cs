using System.Buffers;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using MessagePack;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Serialization;

/// <summary>The stored forms of a closed hierarchy, found by type and by name. Immutable and thread-safe.</summary>
/// <param name="kind">The kind of data in error messages: event or command.</param>
/// <param name="forms">The forms, exactly one for each case.</param>
internal sealed class StoredForms<TBase>(string kind, IReadOnlyList<StoredForm<TBase>> forms)
    where TBase : class
{
    private static readonly JsonWriterOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private readonly Dictionary<Type, StoredForm<TBase>> _byType = forms.ToDictionary(form => form.Case);

    private readonly Dictionary<string, StoredForm<TBase>> _byName =
        forms.ToDictionary(form => form.Name, StringComparer.Ordinal);

    /// <summary>The forms of all cases.</summary>
    public IReadOnlyList<StoredForm<TBase>> All => forms;

    /// <summary>Encodes a value under the name of its case.</summary>
    public (string Name, byte[] Payload) Encode(TBase value)
    {
        var form = _byType[value.GetType()];
        var buffer = new ArrayBufferWriter<byte>();
        var writer = new MessagePackWriter(buffer);
        ContractSchema.Of(form.Contract).Write(ref writer, form.ToContract(value));
        writer.Flush();
        return (form.Name, buffer.WrittenSpan.ToArray());
    }

    /// <summary>Decodes a value.</summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    public TBase Decode(string name, ReadOnlyMemory<byte> payload)
    {
        var form = FormOf(name);
        try
        {
            return form.FromContract(Read(form, payload));
        }
        catch (Exception exception) when (IsDamage(exception))
        {
            throw Damaged(name, exception);
        }
    }

    /// <summary>Returns a value's contract as one line of JSON.</summary>
    public string ToJson(TBase value)
    {
        var form = _byType[value.GetType()];
        return ToJson(form, form.ToContract(value));
    }

    /// <summary>Returns a stored payload's contract as one line of JSON. Parts may be missing.</summary>
    /// <exception cref="UnreadableEventException">The name is unknown or the payload is damaged.</exception>
    public string ToJson(string name, ReadOnlyMemory<byte> payload)
    {
        var form = FormOf(name);
        try
        {
            return ToJson(form, Read(form, payload));
        }
        catch (Exception exception) when (IsDamage(exception))
        {
            throw Damaged(name, exception);
        }
    }

    private static string ToJson(StoredForm<TBase> form, object contract)
    {
        var buffer = new ArrayBufferWriter<byte>();
        using (var json = new Utf8JsonWriter(buffer, Readable))
        {
            ContractSchema.Of(form.Contract).WriteJson(json, contract);
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    private static object Read(StoredForm<TBase> form, ReadOnlyMemory<byte> payload)
    {
        var reader = new MessagePackReader(payload);
        var contract = ContractSchema.Of(form.Contract).Read(ref reader);
        return reader.End
            ? contract
            : throw new FormatException($"{payload.Length - reader.Consumed} bytes follow the payload.");
    }

    // The exceptions that reader, value types and conversions throw on invalid bytes; any other exception is a bug.
    private static bool IsDamage(Exception exception) => exception is MessagePackSerializationException
        or EndOfStreamException or FormatException or ArgumentException or OverflowException
        or InsufficientExecutionStackException;

    private UnreadableEventException Damaged(string name, Exception exception) =>
        new($"The payload of a stored {kind} '{name}' is damaged.", exception);

    private StoredForm<TBase> FormOf(string name) => _byName.TryGetValue(name, out var form)
        ? form
        : throw new UnreadableEventException(
            $"Stored {kind} '{name}' is unknown to this version of the engine; a newer version wrote it.");
}
