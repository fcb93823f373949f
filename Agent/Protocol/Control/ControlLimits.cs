namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>How long either end of a control stream waits for the other (S3).</summary>
public static class ControlLimits
{
    /// <summary>The version of the control protocol.</summary>
    public const int Version = 3;

    /// <summary>Connecting, upgrading and the messages up to the welcome take no longer.</summary>
    public static TimeSpan HandshakeWithin { get; } = TimeSpan.FromSeconds(10);

    /// <summary>A message that the other end does not take within this time breaks the stream.</summary>
    public static TimeSpan SendWithin { get; } = TimeSpan.FromSeconds(10);

    /// <summary>How often silence is looked at.</summary>
    public static TimeSpan LookEvery { get; } = TimeSpan.FromSeconds(1);

    /// <summary>An agent reports this often.</summary>
    public static TimeSpan ReportEvery { get; } = TimeSpan.FromSeconds(1);

    /// <summary>A service shows this often that it lives.</summary>
    public static TimeSpan PingEvery { get; } = TimeSpan.FromSeconds(2);

    /// <summary>An agent that was heard of longer ago is treated as away, though its stream is still open.</summary>
    public static TimeSpan SilentTooLong { get; } = TimeSpan.FromSeconds(7);

    /// <summary>After so many looks at a silent stream in a row it is closed as lost.</summary>
    public const int SilentLooks = 10;
}
