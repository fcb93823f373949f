using ReplicationEngine.Tests.Actors.Clustering;
using ReplicationEngine.Tests.TestKit;

[assembly: AssemblyFixture(typeof(ClusterDatabase))]

namespace ReplicationEngine.Tests.Actors.Clustering;

/// <summary>The database server of the clusters: another one than that which tests let crash.</summary>
public sealed class ClusterDatabase : IAsyncDisposable
{
    public PostgresServer Server { get; } = new();

    public ValueTask DisposeAsync() => Server.DisposeAsync();
}
