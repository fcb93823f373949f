using System.Diagnostics;
using System.Net.Sockets;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Nbd;

namespace ReplicationEngine.Benchmarks.Nbd;

/// <summary>An NBD server under measurement.</summary>
internal interface INbdPeer
{
    /// <summary>The peer's name in the table.</summary>
    string Name { get; }

    /// <summary>Serves the file while the job runs, and returns the job's result.</summary>
    FioResult Serve(string file, Func<string, FioResult> job);
}

/// <summary>Our NBD server, in this process.</summary>
internal sealed class OwnServer(string name, Func<string, IBlockDevice> open) : INbdPeer
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public FioResult Serve(string file, Func<string, FioResult> job)
    {
        using var device = open(file);
        var server = new NbdServer();
        server.AddExport(new NbdExport("disk", device));
        var listener = server.ListenUnix(file + ".sock");
        try
        {
            return job(listener.UriOf("disk"));
        }
        finally
        {
            server.DisposeAsync().AsTask().GetAwaiter().GetResult();
        }
    }
}

/// <summary>Another project's NBD server, in its own process.</summary>
internal sealed class OutsideServer(string name, string program, string arguments) : INbdPeer
{
    /// <inheritdoc/>
    public string Name => name;

    /// <inheritdoc/>
    public FioResult Serve(string file, Func<string, FioResult> job)
    {
        var socket = file + ".sock";
        var line = arguments
            .Replace("{socket}", socket, StringComparison.Ordinal)
            .Replace("{file}", file, StringComparison.Ordinal);
        using var process = OutsideProcess.Start(program, line, redirect: true);
        process.BeginErrorReadLine();
        try
        {
            WaitForListener(process, socket);
            return job($"nbd+unix:///?socket={socket}");
        }
        finally
        {
            process.Kill();
            process.WaitForExit();
            File.Delete(socket);
        }
    }

    private static void WaitForListener(Process process, string path)
    {
        var watch = Stopwatch.StartNew();
        while (watch.Elapsed < TimeSpan.FromSeconds(10) && !process.WaitForExit(20))
        {
            using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                probe.Connect(new UnixDomainSocketEndPoint(path));
                return;
            }
            catch (SocketException)
            {
                // The server does not listen yet: check again until the time is over.
            }
        }

        throw new InvalidOperationException($"{process.StartInfo.FileName} does not listen on {path} after 10 s.");
    }
}

/// <summary>Starts programs of other projects.</summary>
internal static class OutsideProcess
{
    /// <summary>Starts a program.</summary>
    public static Process Start(string program, string arguments, bool redirect) =>
        Process.Start(new ProcessStartInfo(program, arguments)
        {
            UseShellExecute = false,
            RedirectStandardOutput = redirect,
            RedirectStandardError = redirect,
        })
            ?? throw new InvalidOperationException($"{program} did not start.");

    /// <summary>Runs a program and returns its output.</summary>
    public static string Capture(string program, string arguments)
    {
        using var process = Start(program, arguments, redirect: true);
        process.BeginErrorReadLine();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0
            ? output
            : throw new InvalidOperationException($"{program} {arguments} ended with {process.ExitCode}: {output}");
    }
}
