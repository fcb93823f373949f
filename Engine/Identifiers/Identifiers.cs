using System.Buffers.Binary;

namespace ReplicationEngine.Engine.Identifiers;

/// <summary>The vault that owns an entity. The name is part of every persistence id.</summary>
public readonly record struct VaultId(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>
/// The name of a protected VM, unique in its vault: 1 to 64 characters of <c>[A-Za-z0-9._-]</c>, starting with a letter
/// or digit.
/// </summary>
public readonly record struct ProtectedVmId(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>The id of a recovery point, globally unique. The text form is a GUID of 32 digits.</summary>
public readonly record struct RecoveryPointId(Guid Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value.ToString("N");
}

/// <summary>
/// The id that a sender gives a command. A repeated command with the same id has one effect and one reply (I19). Any
/// GUID is accepted; time-ordered GUIDs (version 7 of RFC 9562) are faster to find and store.
/// </summary>
public readonly record struct CommandId(Guid Value)
{
    /// <summary>Creates a version 7 id from a time and a digest. Equal arguments give equal ids.</summary>
    /// <param name="time">The time; its milliseconds since 1970 become the first 48 bits.</param>
    /// <param name="digest">At least 16 bytes, of which 74 bits are used.</param>
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
/// The id of an effect, which its outcome refers to. It is derived from the entity and the event that caused the
/// effect, never random.
/// </summary>
public readonly record struct EffectId(string Value)
{
    /// <inheritdoc/>
    public override string ToString() => Value;
}

/// <summary>
/// The fencing term of a VM's writable primary. It rises by one with each failover, failback or cancelled failover, and
/// every store refuses a lower term (I15, FOV-8).
/// </summary>
public readonly record struct Term(long Value) : IComparable<Term>
{
    /// <summary>The term of a VM that has never failed over.</summary>
    public static Term First { get; } = new(1);

    /// <summary>Returns the term that follows this one.</summary>
    public Term Next() => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Term other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>
/// A baseline of the replica. A new generation begins when the log could not carry every write (RES-8, I12).
/// </summary>
public readonly record struct Generation(long Value) : IComparable<Generation>
{
    /// <summary>Returns the generation that follows this one.</summary>
    public Generation Next() => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Generation other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}

/// <summary>
/// The sequence number of a logged change of a VM, across all its disks. Numbers rise strictly in the order in which
/// writes were accepted, so a write acknowledged before another was submitted has the lower number (I1). 0 means before
/// any change.
/// </summary>
public readonly record struct Lsn(long Value) : IComparable<Lsn>
{
    /// <summary>The position before any change.</summary>
    public static Lsn None { get; } = new(0);

    /// <summary>Returns the number of the next change.</summary>
    public Lsn Next() => new(Value + 1);

    /// <inheritdoc/>
    public int CompareTo(Lsn other) => Value.CompareTo(other.Value);

    /// <inheritdoc/>
    public override string ToString() => Value.ToString(System.Globalization.CultureInfo.InvariantCulture);
}
