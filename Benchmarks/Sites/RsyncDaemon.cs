using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;

namespace ReplicationEngine.Benchmarks.Sites;

/// <summary>An rsync daemon on loopback that receives files into a directory.</summary>
internal sealed class RsyncDaemon : IDisposable
{
    private readonly Process _daemon;
    private readonly int _port;

    /// <summary>Starts the daemon.</summary>
    public RsyncDaemon(string directory)
    {
        using (var listener = new TcpListener(IPAddress.Loopback, 0))
        {
            listener.Start();
            _port = ((IPEndPoint)listener.LocalEndpoint).Port;
        }

        var configuration = directory + ".conf";
        File.WriteAllText(
            configuration, $"use chroot = no\nuid = {Environment.UserName}\n[data]\npath = {directory}\nread only = "
                + $"no\n");
        _daemon = Process.Start(new ProcessStartInfo("rsync", [
            "--daemon", "--no-detach", "--address=127.0.0.1",
                string.Create(CultureInfo.InvariantCulture, $"--port={_port}"),
            $"--config={configuration}"])
        {
            UseShellExecute = false,
        })!;
        ProtectedSite.WaitUntil(Answers, "the rsync daemon to listen");
    }

    /// <summary>Pushes a file; returns the duration in seconds.</summary>
    public double Push(string file, params string[] options)
    {
        var watch = Stopwatch.StartNew();
        Nbd.OutsideProcess.Capture("rsync", $"{string.Join(' ', options)} {file} rsync://127.0.0.1:{_port}/data/");
        return watch.Elapsed.TotalSeconds;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _daemon.Kill();
        _daemon.WaitForExit();
        _daemon.Dispose();
    }

    private bool Answers()
    {
        using var probe = new TcpClient();
        try
        {
            probe.Connect(IPAddress.Loopback, _port);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
