namespace ReplicationEngine.Simulation.Storage;

/// <summary>How files of a snapshot come back.</summary>
internal enum RestoreManner
{
    /// <summary>The machine is put back as it was, times and identities of files with it.</summary>
    Machine,

    /// <summary>Their bytes are written over the files that there are, now.</summary>
    InPlace,

    /// <summary>They are made again, now, and take the names of those that there are.</summary>
    NewFiles,
}

/// <summary>What a machine's storage held at one moment.</summary>
internal sealed class StorageSnapshot(IReadOnlyDictionary<string, SimulatedFileData> files)
{
    /// <summary>Its files, by their paths.</summary>
    public IReadOnlyDictionary<string, SimulatedFileData> Files { get; } = files;
}
