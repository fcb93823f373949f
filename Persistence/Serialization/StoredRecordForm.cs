// How a journal's records are stored: one MessagePack array each, whose elements never change their meaning. A reader
// of this version takes the elements it knows and skips any that follow. The record's name is in the column `manifest`:
// the event's own name, or `snapshot.v1`.
//
//   event     0 sequence        1 payload (bin)     2 time (UTC ticks)   3 actor     4 command id (bin, 16 bytes)
//             5 previous seal (bin, 32 bytes)       6 seal (bin, 32 bytes)                7 recorded command or nil
//   command   0 name            1 payload (bin)     2 digest or nil      3, 4 steady life and moment (ticks or nil)
//             5 earliest timer (UTC ticks or nil)   6 whether effects are outstanding
//   snapshot  0 version         1 sequence          2 seal (bin)         3 decided at (UTC ticks)
//             4 payload (bin)   5 commands: arrays of id (bin), last sequence, digest or nil
//             6 whether these are all commands      7 checksum (bin, 32 bytes)
using System.Buffers;
using MessagePack;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Serialization;

/// <summary>Converts a journal's records to bytes and back.</summary>
internal static class StoredRecordForm
{
    /// <summary>The stored name of snapshots.</summary>
    public const string SnapshotName = "snapshot.v1";

    private const int EventLength = 8;
    private const int CommandLength = 7;
    private const int SnapshotLength = 8;
    private const int CommandRecordLength = 3;
    private const int InitialBuffer = 1_024;
    private const int LargestKept = 64 * 1_024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? t_buffer;

    /// <summary>Encodes an event.</summary>
    public static byte[] Encode(StoredEvent stored)
    {
        var buffer = Buffer;
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(EventLength);
        writer.Write(stored.Sequence);
        writer.Write(stored.Payload);
        writer.Write(stored.Time.UtcTicks);
        writer.Write(stored.Actor);
        WriteId(ref writer, stored.CommandId);
        WriteHash(ref writer, stored.Previous);
        WriteHash(ref writer, stored.Hash);
        WriteCommand(ref writer, stored.Command);
        writer.Flush();
        return Take(buffer);
    }

    /// <summary>Decodes an event.</summary>
    /// <exception cref="UnreadableEventException">The bytes are damaged.</exception>
    public static StoredEvent Decode(string name, ReadOnlyMemory<byte> bytes) => Read(name, bytes, EventLength,
        (ref MessagePackReader reader) => new StoredEvent(
            reader.ReadInt64(), name, ReadBytes(ref reader), ReadTime(ref reader), ReadText(ref reader),
            ReadId(ref reader), ReadCommandAfterSeals(ref reader, out var previous, out var hash), previous, hash));

    /// <summary>Encodes a snapshot.</summary>
    public static byte[] Encode(EntitySnapshot snapshot)
    {
        var buffer = Buffer;
        var writer = new MessagePackWriter(buffer);
        writer.WriteArrayHeader(SnapshotLength);
        writer.Write(snapshot.Version);
        writer.Write(snapshot.Head.Sequence);
        WriteHash(ref writer, snapshot.Head.Hash);
        writer.Write(snapshot.DecidedAt.UtcTicks);
        writer.Write(snapshot.Payload);
        writer.WriteArrayHeader(snapshot.Commands.Count);
        foreach (var command in snapshot.Commands)
        {
            writer.WriteArrayHeader(CommandRecordLength);
            WriteId(ref writer, command.CommandId);
            writer.Write(command.LastSequence);
            writer.Write(command.Digest);
        }

        writer.Write(snapshot.CoversStream);
        WriteHash(ref writer, snapshot.Checksum);
        writer.Flush();
        return Take(buffer);
    }

    /// <summary>Decodes a snapshot.</summary>
    /// <exception cref="UnreadableEventException">The bytes are damaged.</exception>
    public static EntitySnapshot DecodeSnapshot(ReadOnlyMemory<byte> bytes) => Read(SnapshotName, bytes, SnapshotLength,
        (ref MessagePackReader reader) => new EntitySnapshot(
            reader.ReadInt32(), new StreamHead(reader.ReadInt64(), ReadHash(ref reader)), ReadTime(ref reader),
            ReadBytes(ref reader), ReadCommands(ref reader), reader.ReadBoolean(), ReadHash(ref reader)));

    /// <summary>The buffer of the current thread, empty.</summary>
    private static ArrayBufferWriter<byte> Buffer
    {
        get
        {
            // Remains of a write that an exception interrupted are dropped.
            t_buffer ??= new ArrayBufferWriter<byte>(InitialBuffer);
            t_buffer.ResetWrittenCount();
            return t_buffer;
        }
    }

    private static byte[] Take(ArrayBufferWriter<byte> buffer)
    {
        if (buffer.Capacity > LargestKept)
        {
            t_buffer = null;
        }

        return buffer.WrittenSpan.ToArray();
    }

    private delegate T Reading<out T>(ref MessagePackReader reader);

    private static T Read<T>(string name, ReadOnlyMemory<byte> bytes, int length, Reading<T> read)
    {
        try
        {
            var reader = new MessagePackReader(bytes);
            var places = reader.ReadArrayHeader();
            if (places < length)
            {
                throw new UnreadableEventException($"The record '{name}' has {places} places, not {length}.");
            }

            var value = read(ref reader);
            for (var place = length; place < places; place++)
            {
                reader.Skip();
            }

            return reader.End
                ? value : throw new UnreadableEventException($"The record '{name}' continues past its end.");
        }
        catch (Exception exception) when (exception
            is MessagePackSerializationException or EndOfStreamException or ArgumentException or OverflowException
            or InvalidOperationException)
        {
            throw new UnreadableEventException($"The record '{name}' is damaged: {exception.Message}", exception);
        }
    }

    private static void WriteCommand(ref MessagePackWriter writer, RecordedCommand? command)
    {
        if (command is null)
        {
            writer.WriteNil();
            return;
        }

        writer.WriteArrayHeader(CommandLength);
        writer.Write(command.Name);
        writer.Write(command.Payload);
        writer.Write(command.Digest);
        WriteTime(ref writer, command.Steady?.Life);
        WriteTime(ref writer, command.Steady?.At);
        WriteTime(ref writer, command.Wake.NextDue);
        writer.Write(command.Wake.OwesEffects);
    }

    private static RecordedCommand? ReadCommandAfterSeals(
        ref MessagePackReader reader, out ChainHash previous, out ChainHash hash)
    {
        previous = ReadHash(ref reader);
        hash = ReadHash(ref reader);
        if (reader.TryReadNil())
        {
            return null;
        }

        var places = reader.ReadArrayHeader();
        if (places < CommandLength)
        {
            throw new UnreadableEventException($"A recorded command has {places} places, not {CommandLength}.");
        }

        var command = new RecordedCommand(
            ReadText(ref reader), ReadBytes(ref reader), reader.ReadString(), ReadSteady(ref reader),
            new WakeMark(ReadOptionalTime(ref reader), reader.ReadBoolean()));
        for (var place = CommandLength; place < places; place++)
        {
            reader.Skip();
        }

        return command;
    }

    private static SteadyInstant? ReadSteady(ref MessagePackReader reader)
    {
        var (life, at) = (ReadOptionalTime(ref reader), ReadOptionalTime(ref reader));
        return life is { } began && at is { } moment ? new SteadyInstant(began, moment) : null;
    }

    private static ValueList<CommandRecord> ReadCommands(ref MessagePackReader reader)
    {
        var records = new CommandRecord[reader.ReadArrayHeader()];
        for (var i = 0; i < records.Length; i++)
        {
            var places = reader.ReadArrayHeader();
            records[i] = new CommandRecord(ReadId(ref reader), reader.ReadInt64(), reader.ReadString());
            for (var place = CommandRecordLength; place < places; place++)
            {
                reader.Skip();
            }
        }

        return records.ToValueList();
    }

    private static void WriteTime(ref MessagePackWriter writer, DateTimeOffset? time)
    {
        if (time is { } known)
        {
            writer.Write(known.UtcTicks);
        }
        else
        {
            writer.WriteNil();
        }
    }

    private static DateTimeOffset ReadTime(ref MessagePackReader reader) => new(reader.ReadInt64(), TimeSpan.Zero);

    private static DateTimeOffset? ReadOptionalTime(ref MessagePackReader reader) =>
        reader.TryReadNil() ? null : ReadTime(ref reader);

    private static string ReadText(ref MessagePackReader reader) => reader.ReadString()
        ?? throw new MessagePackSerializationException("A text is missing.");

    private static byte[] ReadBytes(ref MessagePackReader reader) => reader.ReadBytes()?.ToArray()
        ?? throw new MessagePackSerializationException("Bytes are missing.");

    private static void WriteId(ref MessagePackWriter writer, CommandId id)
    {
        writer.WriteBinHeader(16);
        id.Value.TryWriteBytes(writer.GetSpan(16), bigEndian: true, out _);
        writer.Advance(16);
    }

    private static CommandId ReadId(ref MessagePackReader reader)
    {
        Span<byte> bytes = stackalloc byte[16];
        ReadFixed(ref reader, bytes);
        return new CommandId(new Guid(bytes, bigEndian: true));
    }

    private static void WriteHash(ref MessagePackWriter writer, ChainHash hash)
    {
        writer.WriteBinHeader(ChainHash.Length);
        hash.CopyTo(writer.GetSpan(ChainHash.Length));
        writer.Advance(ChainHash.Length);
    }

    private static ChainHash ReadHash(ref MessagePackReader reader)
    {
        Span<byte> bytes = stackalloc byte[ChainHash.Length];
        ReadFixed(ref reader, bytes);
        return new ChainHash(bytes);
    }

    private static void ReadFixed(ref MessagePackReader reader, scoped Span<byte> bytes)
    {
        var found = reader.ReadBytes() ?? throw new MessagePackSerializationException("Bytes are missing.");
        if (found.Length != bytes.Length)
        {
            throw new MessagePackSerializationException($"There are {found.Length} bytes, not {bytes.Length}.");
        }

        found.CopyTo(bytes);
    }
}
