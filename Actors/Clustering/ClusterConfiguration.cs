using System.Globalization;
using Akka.Actor;
using Akka.Cluster;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>The configuration of the actor system of one node of a cluster, and the names of nodes in it.</summary>
internal static class ClusterConfiguration
{
    private const string NamePrefix = "name:";

    /// <summary>Returns the settings (HOCON) that a node requires.</summary>
    public static string Of(ClusterNode node) => $$"""
        akka {
          remote {
            dot-netty.tcp {
              hostname = "{{node.Address.Host}}"
              port = {{node.Address.Port.ToString(CultureInfo.InvariantCulture)}}
              enable-ssl = {{(node.Tls is null ? "off" : "on")}}
              # Messages are few and small: each is sent at once.
              batching.enabled = off
              maximum-frame-size = {{EntityMessageSerializer.LargestMessage.ToString(CultureInfo.InvariantCulture)}}
            }
            # A peer that came back is tried again soon.
            retry-gate-closed-for = 500ms
            log-remote-lifecycle-events = off
          }
          cluster.singleton-proxy.log-singleton-identification-failure = off
          cluster.roles = [{{Quoted(node.Roles.Append(NamePrefix + node.Name))}}]
        }
        """;

    private static string Quoted(IEnumerable<string> roles) => string.Join(", ", roles.Select(role => $"\"{role}\""));

    /// <summary>Returns an address as the operator writes it.</summary>
    public static string TextOf(Address address) => address is { Host: { } host, Port: { } port }
        ? new NodeAddress(host, port).ToString() : address.ToString();

    /// <summary>Returns the name of a member.</summary>
    public static string NameOf(Member member) =>
        member.Roles.FirstOrDefault(role => role.StartsWith(NamePrefix, StringComparison.Ordinal)) is { } role
            ? role[NamePrefix.Length..] : member.Address.ToString();

    /// <summary>Returns the roles of a member, without its name.</summary>
    public static IReadOnlyList<string> RolesOf(Member member) =>
        [.. member.Roles.Where(role => !role.StartsWith(NamePrefix, StringComparison.Ordinal))
            .Order(StringComparer.Ordinal)];
}
