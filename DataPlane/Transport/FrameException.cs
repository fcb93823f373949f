namespace ReplicationEngine.DataPlane.Transport;

/// <summary>The reason why a frame is rejected.</summary>
public enum FrameError
{
    /// <summary>The header does not match its checksum, or holds values that this version does not know.</summary>
    BadHeader,

    /// <summary>A length exceeds the cap (S4).</summary>
    TooLarge,

    /// <summary>A frame was replayed, dropped or reordered (S9).</summary>
    OutOfOrder,

    /// <summary>The frame was not sealed at this position by a holder of the key.</summary>
    NotAuthentic,

    /// <summary>The frame is authentic but its payload does not follow the format, or does not inflate to its size
    /// (S12).</summary>
    BadPayload,

    /// <summary>The stream ended inside a frame.</summary>
    Truncated,
}

/// <summary>A frame cannot be accepted. The session ends; nothing of the frame had any effect (I7).</summary>
public sealed class FrameException(FrameError error, string message) : IOException(message)
{
    /// <summary>The reason why the frame is rejected.</summary>
    public FrameError Error { get; } = error;
}

/// <summary>
/// The peer disconnected or was silent for too long; connect again (the session resumes where it stopped).
/// </summary>
public sealed class LinkLostException(string message, Exception? inner = null) : IOException(message, inner)
{
    /// <summary>Whether the error occurred while sending; the peer's last message may still be in transit.</summary>
    internal bool WhileSending { get; init; }
}
