namespace ReplicationEngine.DataPlane.Nbd.Protocol;

/// <summary>
/// The numbers of the NBD protocol (doc/proto.md of NetworkBlockDevice/nbd). All integers are big endian.
/// </summary>
internal static class NbdProtocol
{
    /// <summary>"NBDMAGIC", the server's first eight bytes.</summary>
    public const ulong ServerMagic = 0x4e42444d41474943;

    /// <summary>"IHAVEOPT", the server's next eight bytes and the start of every option.</summary>
    public const ulong OptionMagic = 0x49484156454F5054;

    /// <summary>The magic number at the start of every reply to an option.</summary>
    public const ulong OptionReplyMagic = 0x0003e889045565a9;

    /// <summary>The magic number at the start of every request of the transmission phase.</summary>
    public const uint RequestMagic = 0x25609513;

    /// <summary>The magic number at the start of a simple reply.</summary>
    public const uint SimpleReplyMagic = 0x67446698;

    /// <summary>The magic number at the start of a chunk of a structured reply.</summary>
    public const uint StructuredReplyMagic = 0x668e33ef;

    /// <summary>
    /// The handshake flags of server and client: fixed newstyle (bit 0), and no 124 zero bytes after EXPORT_NAME (bit
    /// 1).
    /// </summary>
    public const ushort FixedNewstyle = 1;
    public const ushort NoZeroes = 2;

    /// <summary>Size in bytes of an option's header: magic, option number, data length.</summary>
    public const int OptionHeaderSize = 16;

    /// <summary>Size in bytes of an option reply's header: magic, option number, reply type, data length.</summary>
    public const int OptionReplyHeaderSize = 20;

    /// <summary>Size in bytes of a request: magic, flags, type, cookie, offset, length.</summary>
    public const int RequestSize = 28;

    /// <summary>Size in bytes of a simple reply: magic, error, cookie.</summary>
    public const int SimpleReplySize = 16;

    /// <summary>Size in bytes of a chunk's header: magic, flags, type, cookie, length of the chunk.</summary>
    public const int ChunkHeaderSize = 20;

    /// <summary>The maximum length of a string in bytes.</summary>
    public const int MaxString = 4096;

    /// <summary>The maximum payload of a READ or WRITE in bytes, announced as the maximum block size.</summary>
    public const int MaxPayload = 32 << 20;

    /// <summary>The preferred block size in bytes that clients are given.</summary>
    public const int PreferredBlock = 4096;

    /// <summary>The name of the only metadata context.</summary>
    public const string AllocationContext = "base:allocation";

    /// <summary>The number of the base:allocation context on the wire.</summary>
    public const uint AllocationContextId = 1;
}

/// <summary>The options that a client may send during the handshake.</summary>
internal enum NbdOption : uint
{
    ExportName = 1,
    Abort = 2,
    List = 3,
    StartTls = 5,
    Info = 6,
    Go = 7,
    StructuredReply = 8,
    ListMetaContext = 9,
    SetMetaContext = 10,
}

/// <summary>The types of reply to an option.</summary>
internal enum NbdOptionReply : uint
{
    Ack = 1,
    Server = 2,
    Info = 3,
    MetaContext = 4,
    Unsupported = 0x8000_0001,
    Policy = 0x8000_0002,
    Invalid = 0x8000_0003,
    Unknown = 0x8000_0006,
    ShuttingDown = 0x8000_0007,
    TooBig = 0x8000_0009,
}

/// <summary>The information that a client may request with INFO and GO.</summary>
internal enum NbdInfo : ushort
{
    Export = 0,
    Name = 1,
    Description = 2,
    BlockSize = 3,
}

/// <summary>The capabilities of an export, sent at the end of the handshake.</summary>
[Flags]
internal enum NbdExportFlags : ushort
{
    None = 0,
    HasFlags = 1,
    ReadOnly = 1 << 1,
    SendFlush = 1 << 2,
    SendFua = 1 << 3,
    SendTrim = 1 << 5,
    SendWriteZeroes = 1 << 6,
    SendDontFragment = 1 << 7,
    CanMultiConnection = 1 << 8,
    SendCache = 1 << 10,
    SendFastZero = 1 << 11,
}

/// <summary>The command of a request.</summary>
internal enum NbdCommand : ushort
{
    Read = 0,
    Write = 1,
    Disconnect = 2,
    Flush = 3,
    Trim = 4,
    Cache = 5,
    WriteZeroes = 6,
    BlockStatus = 7,
}

/// <summary>The flags of a request.</summary>
[Flags]
internal enum NbdCommandFlags : ushort
{
    None = 0,
    ForceUnitAccess = 1,
    NoHole = 1 << 1,
    DontFragment = 1 << 2,
    RequestOne = 1 << 3,
    FastZero = 1 << 4,
}

/// <summary>The content of a chunk of a structured reply.</summary>
internal enum NbdChunk : ushort
{
    None = 0,
    OffsetData = 1,
    OffsetHole = 2,
    BlockStatus = 5,
    Error = 0x8001,
    ErrorOffset = 0x8002,
}

/// <summary>The error numbers of the protocol, independent of the platform's.</summary>
internal enum NbdError : uint
{
    None = 0,
    NotPermitted = 1,
    InputOutput = 5,
    NoMemory = 12,
    InvalidArgument = 22,
    NoSpace = 28,
    Overflow = 75,
    NotSupported = 95,
    Shutdown = 108,
}

/// <summary>The flags of a block status descriptor in base:allocation.</summary>
[Flags]
internal enum NbdExtentFlags : uint
{
    Data = 0,
    Hole = 1,
    Zero = 2,
}
