namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>The content of a frame.</summary>
public enum FrameType : byte
{
    /// <summary>The offer of an end to the session; the first frame of each direction.</summary>
    Open = 1,

    /// <summary>An empty frame that shows that its sender is alive.</summary>
    Ping = 2,

    /// <summary>The reason why its sender ends the session; the last frame of its direction.</summary>
    Refused = 3,

    /// <summary>Whole records of the log, in order.</summary>
    Records = 16,

    /// <summary>Blocks of the source's disk, with their hashes.</summary>
    Blocks = 17,

    /// <summary>The root hash of an extent; the reply is <see cref="Answer"/>.</summary>
    RootProbe = 18,

    /// <summary>The block hashes of an extent; the reply is <see cref="Answer"/>.</summary>
    BlockProbe = 19,

    /// <summary>The resync is complete at a position.</summary>
    EndResync = 20,

    /// <summary>A request for a sync and an acknowledgement now.</summary>
    SyncRequest = 21,

    /// <summary>The sending session ends normally.</summary>
    Close = 22,

    /// <summary>The positions up to which the frames are applied and durable.</summary>
    Ack = 32,

    /// <summary>The blocks of a probe that differ.</summary>
    Answer = 33,
}
