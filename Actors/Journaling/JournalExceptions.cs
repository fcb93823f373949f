using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Journaling;

/// <summary>Stored data is damaged. The entity (or the whole store) stops; nothing is served from it.</summary>
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

    /// <summary>What is damaged, without a remedy, a capital and a full stop: a part of a longer sentence.</summary>
    public string Damage { get; }

    /// <summary>The stream, when the damage lies in one.</summary>
    public PersistenceId? Id { get; }

    /// <summary>The first event that cannot be trusted, when the damage lies in a stream.</summary>
    public long? Sequence { get; }
}

/// <summary>The store cannot answer now; nothing is known to be wrong with what it holds.</summary>
public sealed class JournalUnavailableException(string message, Exception? inner = null) : Exception(message, inner);

/// <summary>Another process has the store open.</summary>
public sealed class JournalInUseException(string message, Exception? inner = null) : Exception(message, inner);
