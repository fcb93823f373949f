namespace ReplicationEngine.DataPlane.Transport;

/// <summary>What is wrong with a frame.</summary>
public enum FrameError
{
    /// <summary>The header does not match its checksum, or holds what this version does not know.</summary>
    BadHeader,

    /// <summary>A length is over the cap (S4).</summary>
    TooLarge,

    /// <summary>A frame was replayed, dropped or reordered (S9).</summary>
    OutOfOrder,

    /// <summary>The frame is not what the holder of the key sealed at this place.</summary>
    NotAuthentic,

    /// <summary>The frame is authentic but its payload does not follow the format, or does not inflate to its size
    /// (S12).</summary>
    BadPayload,

    /// <summary>The stream ended inside a frame.</summary>
    Truncated,
}

/// <summary>A frame that cannot be accepted. The session ends; nothing of the frame had any effect (I7).</summary>
public sealed class FrameException(FrameError error, string message) : IOException(message)
{
    /// <summary>What is wrong.</summary>
    public FrameError Error { get; } = error;
}

/// <summary>The peer went away or fell silent; connect again (the session resumes where it stopped).</summary>
public sealed class LinkLostException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>It showed while sending: what the peer said last may still be on its way here.</summary>
    internal bool WhileSending { get; init; }
}
