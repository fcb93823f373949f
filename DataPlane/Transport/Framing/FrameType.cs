namespace ReplicationEngine.DataPlane.Transport.Framing;

/// <summary>What a frame carries.</summary>
public enum FrameType : byte
{
    /// <summary>What an end brings to the session; the first frame of each direction.</summary>
    Open = 1,

    /// <summary>Nothing: it shows that the sender of it lives.</summary>
    Ping = 2,

    /// <summary>Why the sender of it goes away; the last frame of its direction.</summary>
    Refused = 3,

    /// <summary>Whole records of the log, in order.</summary>
    Records = 16,

    /// <summary>Blocks of the source's disk, with their hashes.</summary>
    Blocks = 17,

    /// <summary>The root hash of an extent; answered by <see cref="Answer"/>.</summary>
    RootProbe = 18,

    /// <summary>The block hashes of an extent; answered by <see cref="Answer"/>.</summary>
    BlockProbe = 19,

    /// <summary>The resync is complete at a position.</summary>
    EndResync = 20,

    /// <summary>Asks for a sync and an acknowledgement now.</summary>
    SyncRequest = 21,

    /// <summary>The sending session ends in peace.</summary>
    Close = 22,

    /// <summary>How far the frames are applied and durable.</summary>
    Ack = 32,

    /// <summary>Which blocks of a probe differ.</summary>
    Answer = 33,
}
