namespace ReplicationEngine.Simulation.Storage;

/// <summary>How files of a snapshot come back.</summary>
internal enum RestoreManner
{
    /// <summary>The machine is put back as it was, times and identities of files with it.</summary>
    Machine,

    /// <summary>The snapshot's bytes overwrite the present files, with the present time.</summary>
    InPlace,

    /// <summary>New files with the present time take the names of the present ones.</summary>
    NewFiles,
}

/// <summary>What a machine's storage held at one moment.</summary>
internal sealed class StorageSnapshot(IReadOnlyDictionary<string, SimulatedFileData> files)
{
    /// <summary>The snapshot's files by path.</summary>
    public IReadOnlyDictionary<string, SimulatedFileData> Files { get; } = files;
}
