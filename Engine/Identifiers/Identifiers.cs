using System.Buffers.Binary;

namespace ReplicationEngine.Engine.Identifiers;

/// <summary>The vault that owns an entity; part of every persistence id.</summary>
public readonly record struct VaultId(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>
/// The name of a protected VM, unique in its vault: 1 to 64 of <c>[A-Za-z0-9._-]</c>, first a letter or digit.
/// </summary>
public readonly record struct ProtectedVmId(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>A recovery point, unique for ever; its text is a GUID in the 32-digit form.</summary>
public readonly record struct RecoveryPointId(Guid Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString("N");
}

/// <summary>
/// A command as its sender named it; a command with the same id has one effect and one answer (I19). Any GUID will do;
/// one that rises with time (version 7 of RFC 9562) is found and stored faster.
/// </summary>
public readonly record struct CommandId(Guid Value)
{
    /// <summary>The id of version 7 that a time and a digest make: the same of the same.</summary>
    /// <param name="time">A time; its milliseconds since 1970 are the first 48 bits.</param>
    /// <param name="digest">At least 16 bytes, of which 74 bits are taken.</param>
    public static CommandId Of(DateTimeOffset time, ReadOnlySpan<byte> digest)
    {
        Span<byte> bytes = stackalloc byte[16];
        digest[..16].CopyTo(bytes);
        Span<byte> milliseconds = stackalloc byte[8];
        BinaryPrimitives.WriteInt64BigEndian(milliseconds, time.ToUnixTimeMilliseconds());
        milliseconds[2..].CopyTo(bytes);
        bytes[6] = (byte)((bytes[6] & 0x0F) | 0x70);
        bytes[8] = (byte)((bytes[8] & 0x3F) | 0x80);
        return new CommandId(new Guid(bytes, bigEndian: true));
    }

    /// <inheritdoc/>
    public override string ToString() => Value.ToString("N");
}

/// <summary>
/// An effect; its outcome names it. Derived from the entity and the event that caused it, never random.
/// </summary>
public readonly record struct EffectId(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>
/// The fencing term of one VM's writable primary: it rises by one with each failover, failback or cancelled
/// failover, and every store refuses a smaller one (I15, FOV-8).
/// </summary>
public readonly record struct Term(long Value) : IComparable<Term>
{
    /// <summary>The term of a VM that has never failed over.</summary>
    public static Term First { get; } = new(1);

    /// <summary>The term that follows this one.</summary>
    public Term Next() => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>
/// A baseline of the replica: a new one begins when the log could not carry every write (RES-8, I12).
/// </summary>
public readonly record struct Generation(long Value) : IComparable<Generation>
{
    /// <summary>The generation after this one.</summary>
    public Generation Next() => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Generation other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>
/// The number of one logged change of a VM, over all its disks: strictly rising in the order in which the writes were
/// accepted, so a write acknowledged before another was submitted has the smaller one (I1). 0 is before any change.
/// </summary>
public readonly record struct Lsn(long Value) : IComparable<Lsn>
{
    /// <summary>Before any change.</summary>
    public static Lsn None { get; } = new(0);

    /// <summary>The next number.</summary>
    public Lsn Next() => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Lsn other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
