namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>Time limits that both ends of a control stream apply to each other (S3).</summary>
public static class ControlLimits
{
    /// <summary>The version of the control protocol.</summary>
    public const int Version = 3;

    /// <summary>The time limit for connecting, upgrading and exchanging the messages up to the welcome.</summary>
    public static TimeSpan HandshakeWithin { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The time within which the other end must accept a message; otherwise the stream breaks.</summary>
    public static TimeSpan SendWithin { get; } = TimeSpan.FromSeconds(10);

    /// <summary>The interval between checks for silence.</summary>
    public static TimeSpan LookEvery { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The interval between an agent's reports.</summary>
    public static TimeSpan ReportEvery { get; } = TimeSpan.FromSeconds(1);

    /// <summary>The interval between a service's pings.</summary>
    public static TimeSpan PingEvery { get; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// The time after which a silent agent is treated as disconnected although its stream is still open.
    /// </summary>
    public static TimeSpan SilentTooLong { get; } = TimeSpan.FromSeconds(7);

    /// <summary>
    /// The number of consecutive checks without received bytes after which a stream is closed as lost.
    /// </summary>
    public const int SilentLooks = 10;
}
