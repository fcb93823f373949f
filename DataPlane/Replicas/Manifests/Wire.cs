using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Replicas.Manifests;

/// <summary>Writes consecutive little-endian fields.</summary>
internal sealed class WireWriter
{
    private readonly ArrayBufferWriter<byte> _buffer = new();

    public ReadOnlySpan<byte> Written => _buffer.WrittenSpan;

    public WireWriter U8(byte value)
    {
        _buffer.GetSpan(1)[0] = value;
        _buffer.Advance(1);
        return this;
    }

    public WireWriter Bool(bool value) => U8(value ? (byte)1 : (byte)0);

    public WireWriter U32(uint value)
    {
        BinaryPrimitives.WriteUInt32LittleEndian(_buffer.GetSpan(4), value);
        _buffer.Advance(4);
        return this;
    }

    public WireWriter I64(long value)
    {
        BinaryPrimitives.WriteInt64LittleEndian(_buffer.GetSpan(8), value);
        _buffer.Advance(8);
        return this;
    }

    public WireWriter Id(Guid value)
    {
        value.TryWriteBytes(_buffer.GetSpan(16), bigEndian: true, out _);
        _buffer.Advance(16);
        return this;
    }

    public WireWriter Text(string value) => Bytes(Encoding.UTF8.GetBytes(value));

    public WireWriter Bytes(ReadOnlySpan<byte> value)
    {
        U32((uint)value.Length);
        _buffer.Write(value);
        return this;
    }

    /// <summary>Writes bytes without their count.</summary>
    public void Write(ReadOnlySpan<byte> value) => _buffer.Write(value);

    /// <summary>Writes a count, then each item.</summary>
    public WireWriter Many<T>(IReadOnlyCollection<T> items, Action<WireWriter, T> write)
    {
        U32((uint)items.Count);
        foreach (var item in items)
        {
            write(this, item);
        }

        return this;
    }
}

/// <summary>Reads data that <see cref="WireWriter"/> wrote; invalid fields are reported as corruption.</summary>
internal sealed class WireReader(byte[] bytes, string what)
{
    private int _at;

    public bool AtEnd => _at == bytes.Length;

    public byte U8() => Take(1)[0];

    public bool Bool() => U8() != 0;

    public uint U32() => BinaryPrimitives.ReadUInt32LittleEndian(Take(4));

    public long I64() => BinaryPrimitives.ReadInt64LittleEndian(Take(8));

    public Guid Id() => new(Take(16), bigEndian: true);

    public string Text() => Encoding.UTF8.GetString(Bytes());

    public byte[] Bytes() => Take(checked((int)U32())).ToArray();

    public List<T> Many<T>(Func<WireReader, T> read)
    {
        var count = U32();
        var items = new List<T>();
        for (var i = 0u; i < count; i++)
        {
            items.Add(read(this));
        }

        return items;
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count < 0 || bytes.Length - _at < count)
        {
            throw new ReplicaCorruptException($"A field of {what} extends past its end.");
        }

        _at += count;
        return bytes.AsSpan(_at - count, count);
    }
}
