namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>The reason why a volume cannot be opened or changed.</summary>
public enum SourceVolumeError
{
    /// <summary>The state file cannot be read.</summary>
    StateDamaged,

    /// <summary>The directory belongs to another VM.</summary>
    OtherVm,

    /// <summary>
    /// The disks are not those of the volume: their number differs, or one is smaller than before (RES-3).
    /// </summary>
    DisksDiffer,

    /// <summary>The new size of a disk is smaller than the old one.</summary>
    ShrinkRefused,

    /// <summary>After a crash the log could not be applied to a source disk again.</summary>
    RedoFailed,

    /// <summary>The given term is smaller than the volume's (I15).</summary>
    StaleTerm,
}

/// <summary>A volume cannot be opened or changed as requested; nothing was changed.</summary>
public sealed class SourceVolumeException(SourceVolumeError error, string message, Exception? inner = null)
    : IOException(message, inner)
{
    /// <summary>The reason for the failure.</summary>
    public SourceVolumeError Error { get; } = error;
}
