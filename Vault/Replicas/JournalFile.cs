using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Replicas;

/// <summary>The journal's file in a data directory, examined before it is opened for writing.</summary>
/// <remarks>The caller holds the lock of the data directory.</remarks>
internal sealed class JournalFile(string data)
{
    /// <summary>The type of the streams of protected VMs.</summary>
    public const string VmType = "protected-vm";

    /// <summary>The file's path.</summary>
    public string Path { get; } = System.IO.Path.Combine(data, RecordedJournal.FileName);

    /// <summary>The paths of the journal's file and of SQLite's files next to it, as far as they exist.</summary>
    public IReadOnlyList<string> Files =>
        [.. new[] { "", "-wal", "-shm" }.Select(end => Path + end).Where(File.Exists)];

    /// <summary>
    /// Whether there is a journal. An empty file is not a journal: opening it would create a new one.
    /// </summary>
    public bool Exists => new FileInfo(Path) is { Exists: true, Length: > 0 };

    /// <summary>Whether only the write-ahead log is left, which opening would discard.</summary>
    public bool OnlyRecentWrites => !Exists && new FileInfo(Path + "-wal") is { Exists: true, Length: > 0 };

    /// <summary>Returns the number of the last event of each VM; null when there is no journal.</summary>
    /// <exception cref="JournalCorruptException">The file is damaged, or the end of the journal does not agree with its
    /// indexes.</exception>
    /// <exception cref="JournalUnavailableException">The journal cannot be opened.</exception>
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

    /// <summary>Selects the protected VMs of this service's vault from the ends of all streams, by name.</summary>
    public static IReadOnlyDictionary<string, long> OfThisVault(IEnumerable<KeyValuePair<PersistenceId, long>> ends) =>
        ends.Where(end => end.Key.Type == VmType && end.Key.Vault == ProtectedVms.Vault)
            .ToDictionary(end => end.Key.Entity, end => end.Value, StringComparer.Ordinal);
}
