namespace ReplicationEngine.Agent.Protocol.Control;

/// <summary>
/// The protocol names and headers of the HTTP/1.1 upgrades (RFC 9110 section 7.8) by which an agent opens its streams
/// at the service's one port.
/// </summary>
public static class StreamUpgrade
{
    /// <summary>The upgrade token of the control stream.</summary>
    public const string ControlProtocol = "replication-control/2";

    /// <summary>The upgrade token of a data stream.</summary>
    public const string DataProtocol = "replication-data/1";

    /// <summary>The request's header with the secret of the control session that a data stream belongs to.</summary>
    public const string SessionHeader = "Replication-Session";

    /// <summary>The response's header with the reason why a stream is refused, as one sentence.</summary>
    public const string ReasonHeader = "Replication-Refusal";
}
