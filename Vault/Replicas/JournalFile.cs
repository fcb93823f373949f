using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>The journal's file in a data directory, looked at before it is opened for writing.</summary>
/// <remarks>The caller holds the lock of the data directory.</remarks>
internal sealed class JournalFile(string data)
{
    /// <summary>The type of the streams of protected VMs.</summary>
    public const string VmType = "protected-vm";

    /// <summary>The file's path.</summary>
    public string Path { get; } = System.IO.Path.Combine(data, RecordedJournal.FileName);

    /// <summary>The file and those that SQLite keeps next to it, as far as they exist.</summary>
    public IReadOnlyList<string> Files =>
        [.. new[] { "", "-wal", "-shm" }.Select(end => Path + end).Where(File.Exists)];

    /// <summary>Whether there is a journal. An empty file is none: opening it would make a new one.</summary>
    public bool Exists => new FileInfo(Path) is { Exists: true, Length: > 0 };

    /// <summary>Whether only the log of recent writes is left, which opening would throw away.</summary>
    public bool OnlyRecentWrites => !Exists && new FileInfo(Path + "-wal") is { Exists: true, Length: > 0 };

    /// <summary>The number of the last event of each VM; null when there is no journal.</summary>
    /// <exception cref="JournalCorruptException">The file is damaged, or the end of the journal does not agree with its
    /// indexes.</exception>
    /// <exception cref="JournalUnavailableException">It cannot be opened.</exception>
    /// <exception cref="ReplayRefusedException">The file is no journal of this version.</exception>
    public IReadOnlyDictionary<string, long>? Ends()
    {
        if (!Exists)
        {
            return null;
        }

        using var journal = RecordedJournal.OpenStore(data, alone: true);
        return journal.CheckEnd().FirstOrDefault() is { } damage
            ? throw new JournalCorruptException(Path, damage.ToString())
            : OfThisVault(journal.Ends());
    }

    /// <summary>Of the ends of all streams, those of the protected VMs of this service's vault, by name.</summary>
    public static IReadOnlyDictionary<string, long> OfThisVault(IEnumerable<KeyValuePair<PersistenceId, long>> ends) =>
        ends.Where(end => end.Key.Type == VmType && end.Key.Vault == ProtectedVms.Vault)
            .ToDictionary(end => end.Key.Entity, end => end.Value, StringComparer.Ordinal);
}
