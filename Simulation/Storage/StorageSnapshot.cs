namespace ReplicationEngine.Simulation.Storage;

/// <summary>The manner in which files of a snapshot are restored.</summary>
internal enum RestoreManner
{
    /// <summary>The whole machine is reverted to the snapshot, including the times and identities of files.</summary>
    Machine,

    /// <summary>The snapshot's bytes overwrite the present files, which get the present time.</summary>
    InPlace,

    /// <summary>New files with the present time take the names of the present files.</summary>
    NewFiles,
}

/// <summary>The content of a machine's storage at one moment.</summary>
internal sealed class StorageSnapshot(IReadOnlyDictionary<string, SimulatedFileData> files)
{
    /// <summary>The files of the snapshot by path.</summary>
    public IReadOnlyDictionary<string, SimulatedFileData> Files { get; } = files;
}
