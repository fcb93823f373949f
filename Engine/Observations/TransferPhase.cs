namespace ReplicationEngine.Engine.Observations;

/// <summary>What a data session between the two sides is doing.</summary>
public enum TransferPhase
{
    /// <summary>There is no connection yet.</summary>
    Connecting = 0,

    /// <summary>Copies the disks into an empty replica.</summary>
    Initial = 1,

    /// <summary>Compares the two sides and sends what differs.</summary>
    Resync = 2,

    /// <summary>The replica follows the log.</summary>
    Streaming = 3,
}
