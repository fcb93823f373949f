using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>
/// Thrown for damaged stored data. The entity (or the whole store) stops, and nothing is served from it.
/// </summary>
public sealed class JournalCorruptException : Exception
{
    /// <summary>An event of one stream is damaged.</summary>
    public JournalCorruptException(PersistenceId id, long sequence, string what)
        : base($"The journal is damaged at event {sequence} of {id}: {what}. Restore the journal from a backup.")
    {
        Id = id;
        Sequence = sequence;
        Damage = $"the journal is damaged at event {sequence} of {id}: {what}";
    }

    /// <summary>The store's file itself is damaged.</summary>
    public JournalCorruptException(string path, string what)
        : base($"The journal {path} is damaged: {what.TrimEnd('.')}. Restore it from a backup.")
    {
        Damage = $"the journal {path} is damaged: {what.TrimEnd('.')}";
    }

    /// <summary>The damage as part of a longer sentence: without a remedy, a capital letter or a full stop.</summary>
    public string Damage { get; }

    /// <summary>The damaged stream; null when the damage is not in a single stream.</summary>
    public PersistenceId? Id { get; }

    /// <summary>
    /// The number of the first event that cannot be trusted; null when the damage is not in a stream.
    /// </summary>
    public long? Sequence { get; }
}

/// <summary>Thrown when the store cannot respond now. Its contents are not known to be damaged.</summary>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Thrown when another process has the store open.</summary>
public sealed class JournalInUseException(string message, Exception? inner = null) : Exception(message, inner);
