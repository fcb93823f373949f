using ReplicationEngine.Chaos.Witness.Nbd;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd;

namespace ReplicationEngine.Tests.TestKit.Nbd;

/// <summary>A server with one export "disk" on a unix socket in a directory of its own.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    private readonly DirectoryInfo _directory = Directory.CreateTempSubdirectory("nbd-");

    /// <summary>Serves a device; the caller keeps it.</summary>
    public TestServer(IBlockDevice device, NbdServerOptions? options = null)
    {
        Server = new NbdServer(options ?? new NbdServerOptions());
        Export = new NbdExport("disk", device, description: "a disk");
        Server.AddExport(Export);
        Path = System.IO.Path.Combine(_directory.FullName, "s");
        Listener = Server.ListenUnix(Path);
    }

    /// <summary>The server.</summary>
    public NbdServer Server { get; }

    /// <summary>The server's export.</summary>
    public NbdExport Export { get; }

    /// <summary>Where it listens.</summary>
    public NbdListener Listener { get; }

    /// <summary>The socket's path.</summary>
    public string Path { get; }

    /// <summary>The URI of the export.</summary>
    public string Uri => Listener.UriOf("disk");

    /// <summary>A directory that goes with the server, for files of the test.</summary>
    public string Folder => _directory.FullName;

    /// <summary>A client of the export.</summary>
    public NbdClient Open(bool structured = true) => NbdClient.Open(Path, "disk", structured);

    /// <inheritdoc/>
    public async ValueTask DisposeAsync()
    {
        await Server.DisposeAsync();
        _directory.Delete(recursive: true);
    }
}
