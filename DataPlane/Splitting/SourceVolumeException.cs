namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>Why a volume cannot be opened or changed.</summary>
public enum SourceVolumeError
{
    /// <summary>The state file cannot be read.</summary>
    StateDamaged,

    /// <summary>The directory belongs to another VM.</summary>
    OtherVm,

    /// <summary>
    /// The disks are not those the volume was made for: their number, or one is smaller than it was (RES-3).
    /// </summary>
    DisksDiffer,

    /// <summary>A disk was asked to shrink.</summary>
    ShrinkRefused,

    /// <summary>The log could not be applied to a source disk again after a crash.</summary>
    RedoFailed,

    /// <summary>The term given is smaller than the volume's (I15).</summary>
    StaleTerm,
}

/// <summary>A volume cannot be opened or changed as asked; nothing was changed.</summary>
public sealed class SourceVolumeException(SourceVolumeError error, string message, Exception? inner = null)
    : IOException(message, inner)
{
    /// <summary>Why.</summary>
    public SourceVolumeError Error { get; } = error;
}
