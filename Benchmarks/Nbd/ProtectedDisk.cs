using ReplicationEngine.Benchmarks.Sites;

namespace ReplicationEngine.Benchmarks.Nbd;

/// <summary>
/// A protected disk with replication on: agent and service are processes, and writes are shipped while the job runs.
/// </summary>
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

    /// <summary>
    /// Runs the job, then waits until the replica holds all writes, because shipping the rest would slow the next
    /// server.
    /// </summary>
    public FioResult Serve(string file, Func<string, FioResult> job)
    {
        var result = job(_uri);
        ProtectedSite.WaitUntil(IsInSync, "the replica to catch up");
        return result;
    }

    /// <inheritdoc/>
    public void Dispose() => _site.Dispose();

    private bool IsInSync()
    {
        var view = _site.Run("status", "bench");
        var source = view["source"]!;
        return (long)source["dirtyBytes"]! == 0 && (long)view["lagBytes"]! == 0
            && (string?)source["capture"] == "logging";
    }
}
