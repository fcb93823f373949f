namespace ReplicationEngine.Engine.Observations;

/// <summary>The phase of a data session between source and target.</summary>
public enum TransferPhase
{
    /// <summary>There is no connection yet.</summary>
    Connecting = 0,

    /// <summary>The disks are being copied into an empty replica.</summary>
    Initial = 1,

    /// <summary>The two sides are being compared, and differences are sent.</summary>
    Resync = 2,

    /// <summary>The replica follows the log.</summary>
    Streaming = 3,
}
