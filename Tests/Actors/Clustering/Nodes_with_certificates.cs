using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Tests.TestKit;

namespace ReplicationEngine.Tests.Actors.Clustering;

public sealed class Nodes_with_certificates(ClusterDatabase database) : IDisposable
{
    private static readonly DateTimeOffset s_now = TimeProvider.System.GetUtcNow();

    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("certificates-");

    public void Dispose() => _directory.Delete(recursive: true);

    [Fact]
    public async Task Form_a_cluster_that_no_stranger_joins()
    {
        var connection = await database.Server.NewDatabaseAsync();
        ClusterCertificates.Create(Of("ours"), ["node-0", "node-1"], s_now);
        ClusterCertificates.Create(Of("others"), ["node-1"], s_now);
        await using var cluster = new TestCluster(connection, 2)
        {
            Tls = node => ClusterTls.Load(Of("ours"), TestCluster.NameOf(node), s_now),
        };
        await cluster.StartAllAsync();
        Assert.Equal(new CommandReply.Accepted(1), await cluster.AddAsync(0, "a", 1, 5));
        Assert.Equal(new CommandReply.Accepted(2), await cluster.AddAsync(1, "a", 2, 5));

        await cluster.StopAsync(1);
        foreach (var stranger in new[] { ClusterTls.Load(Of("others"), "node-1", s_now), null })
        {
            cluster.Tls = _ => stranger;
            await cluster.StartAsync(1);
            await Eventually.HoldsAsync(() => cluster[1].Engine.Cluster.Waiting?.StartsWith(
                "No node of the cluster replies", StringComparison.Ordinal) == true);
            Assert.Single(cluster[0].Engine.Cluster.Members);
            await cluster.StopAsync(1);
        }
    }

    [Fact]
    public void Have_private_files_that_are_never_replaced()
    {
        var created = ClusterCertificates.Create(Of("c"), ["a", "b"], s_now);

        Assert.Equal(["authority.pem", "authority.key", "a.pem", "b.pem"], created.Select(Path.GetFileName));
        Assert.All(created, file => Assert.Equal(
            UnixFileMode.UserRead | UnixFileMode.UserWrite, File.GetUnixFileMode(file)));
        Assert.Equal(["c.pem"], ClusterCertificates.Create(Of("c"), ["c"], s_now).Select(Path.GetFileName));
        Refuses("Node 'a' has a certificate already", () => ClusterCertificates.Create(Of("c"), ["d", "a"], s_now));
        Assert.False(File.Exists(Path.Combine(Of("c"), "d.pem")));
        Refuses("'a/b' is not a name", () => ClusterCertificates.Create(Of("c"), ["a/b"], s_now));
        Refuses("'authority' is not a name", () => ClusterCertificates.Create(Of("c"), ["authority"], s_now));
        File.Delete(Path.Combine(Of("c"), "authority.key"));
        Refuses("but not its key", () => ClusterCertificates.Create(Of("c"), ["e"], s_now));
    }

    [Fact]
    public void Are_refused_with_a_missing_damaged_or_expired_certificate()
    {
        ClusterCertificates.Create(Of("c"), ["a"], s_now);
        ClusterCertificates.Create(Of("other"), ["a"], s_now);
        Refuses("cannot be read", () => ClusterTls.Load(Of("c"), "b", s_now));
        Refuses("is not valid", () => ClusterTls.Load(
            Of("c"), "a", s_now + ClusterCertificates.NodeLifetime + TimeSpan.FromDays(1)));
        File.Copy(Path.Combine(Of("other"), "a.pem"), Path.Combine(Of("c"), "b.pem"));
        Refuses("is not valid for node 'b'", () => ClusterTls.Load(Of("c"), "b", s_now));
        File.WriteAllText(Path.Combine(Of("c"), "a.pem"), "nothing");
        Refuses("cannot be read", () => ClusterTls.Load(Of("c"), "a", s_now));
    }

    private static void Refuses(string why, Action action) => Assert.Contains(
        why, Assert.Throws<EngineConfigurationException>(action).Message, StringComparison.Ordinal);

    private string Of(string name) => Path.Combine(_directory.FullName, name);
}
