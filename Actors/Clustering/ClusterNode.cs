using System.Globalization;
using System.Net;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// The settings of a process that is one of several nodes on the same journal. The entities are spread over the nodes,
/// and every node accepts every command.
/// </summary>
/// <remarks>
/// All nodes may be given the same <see cref="Join"/> list, this node included. The first node to start founds the
/// cluster: it reserves the journal, so of several that start together only one does. All others join it.
/// </remarks>
public sealed class ClusterNode
{
    /// <summary>The role of nodes that run entities.</summary>
    public const string EntitiesRole = "vault";

    /// <summary>
    /// The role of nodes that store replicas. A node with this role alone runs no entities, and sends commands to those
    /// of others.
    /// </summary>
    public const string StoreRole = "store";

    internal const int LongestName = 63;

    /// <summary>
    /// The node's name, unique in the cluster and kept over restarts: letters, digits, <c>.</c>, <c>-</c> and <c>_</c>.
    /// </summary>
    public required string Name { get; init; }

    /// <summary>The address at which the other nodes reach this node.</summary>
    public required NodeAddress Address { get; init; }

    /// <summary>
    /// The addresses of nodes to join; this node's own address is ignored. When the list names no other node, this node
    /// must be the first.
    /// </summary>
    public IReadOnlyList<NodeAddress> Join { get; init; } = [];

    /// <summary>The node's roles. Default: both.</summary>
    public IReadOnlyList<string> Roles { get; init; } = [EntitiesRole, StoreRole];

    /// <summary>
    /// The certificates with which the nodes encrypt their connections and recognize each other; null for connections
    /// without encryption, which are possible on loopback only. All nodes have certificates, or none has. Default:
    /// none.
    /// </summary>
    public ClusterTls? Tls { get; init; }

    /// <summary>Why a node cannot run with these settings, with the remedy; null when it can.</summary>
    public string? Problem =>
        !IsName(Name) ? $"'{Name}' is not a name of a node; use up to {LongestName} letters, digits, '.', '-' and '_'."
        : Roles.Count == 0 ? $"Node '{Name}' has no role; use {EntitiesRole}, {StoreRole}, or both."
        : Roles.FirstOrDefault(role => role is not (EntitiesRole or StoreRole)) is { } role
            ? $"'{role}' is not a role of a node; the roles are {EntitiesRole} and {StoreRole}."
        : Tls is null && Join.Prepend(Address).FirstOrDefault(address => !address.IsLoopback) is { } open
            ? $"'{open}' is not a loopback address; give the node its certificates, because connections without "
                + "encryption are possible on loopback only, such as 127.0.0.1:7500."
        : null;

    internal bool RunsEntities => Roles.Contains(EntitiesRole, StringComparer.Ordinal);

    internal static bool IsName(string name) =>
        name.Length is > 0 and <= LongestName && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
}

/// <summary>The address of a node: a host name or IP address, and a port.</summary>
/// <param name="Host">The host name or IPv4 address.</param>
/// <param name="Port">The port, from 1 to 65,535.</param>
public sealed record NodeAddress(string Host, int Port)
{
    /// <summary>Whether only processes of the same machine reach the address.</summary>
    public bool IsLoopback =>
        Host == "localhost" || (IPAddress.TryParse(Host, out var address) && IPAddress.IsLoopback(address));

    /// <summary>Parses <c>HOST:PORT</c>; null when the text is not an address.</summary>
    public static NodeAddress? Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        var end = text.LastIndexOf(':');
        var host = end < 0 ? string.Empty : text[..end];
        return host.Length > 0 && host.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-')
            && int.TryParse(text[(end + 1)..], NumberStyles.None, CultureInfo.InvariantCulture, out var port)
            && port is > 0 and <= ushort.MaxValue
            ? new NodeAddress(host, port) : null;
    }

    /// <inheritdoc/>
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Host}:{Port}");
}
