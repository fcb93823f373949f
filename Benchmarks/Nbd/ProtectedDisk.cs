using ReplicationEngine.Benchmarks.Sites;

namespace ReplicationEngine.Benchmarks.Nbd;

/// <summary>A protected disk with replication on: agent and service as processes, writes shipped while the job
/// runs.</summary>
internal sealed class ProtectedDisk : INbdPeer, IDisposable
{
    private readonly ProtectedSite _site;
    private readonly string _uri;

    /// <summary>Protects a copy of a file and waits until it is in sync.</summary>
    public ProtectedDisk(string directory, string file)
    {
        var image = Path.Combine(directory, "protected.img");
        File.Copy(file, image);
        _site = new ProtectedSite(directory);
        _uri = (string)_site.Run("protect", "bench", "--disk", image)["disks"]![0]!["uri"]!;
    }

    /// <inheritdoc/>
    public string Name => "protected";

    /// <inheritdoc/>
    public FioResult Serve(string file, Func<string, FioResult> job) => job(_uri);

    /// <inheritdoc/>
    public void Dispose() => _site.Dispose();
}
