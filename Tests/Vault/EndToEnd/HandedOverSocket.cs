using System.Diagnostics;
using System.Globalization;
using ReplicationEngine.Chaos.Witness.Processes;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>
/// Does what systemd does with a socket unit: a process that holds a listening unix socket and starts the agent with it
/// again whenever the agent ends in peace (LISTEN_FDS, LISTEN_PID).
/// </summary>
internal sealed class HandedOverSocket : IDisposable
{
    private const string Holder = """
        import os, signal, socket, sys
        path, command = sys.argv[1], sys.argv[2:]
        listening = socket.socket(socket.AF_UNIX)
        listening.bind(path)
        listening.listen(64)
        child = 0
        def end(*_):
            if child:
                os.kill(child, signal.SIGTERM)
                os.waitpid(child, 0)
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        while True:
            child = os.fork()
            if child == 0:
                os.dup2(listening.fileno(), 3)
                os.set_inheritable(3, True)
                os.environ.update(LISTEN_FDS="1", LISTEN_PID=str(os.getpid()), LISTEN_FDNAMES="nbd")
                os.execv(command[0], command)
            print(child, flush=True)
            _, status = os.waitpid(child, 0)
            if status:
                sys.exit("the agent ended with status %d" % status)
        """;

    private readonly ChildProcess _holder;

    private HandedOverSocket(ChildProcess holder) => _holder = holder;

    /// <summary>What holder and agents wrote to stderr.</summary>
    public string Errors => _holder.Errors;

    /// <summary>Starts the first agent with a socket at the path.</summary>
    public static HandedOverSocket Start(Lab lab, string path, params string[] agent) =>
        StartCommand(lab, path, [Lab.Program, .. agent]);

    /// <summary>As <see cref="Start"/>, with the program among the words.</summary>
    public static HandedOverSocket StartCommand(Lab lab, string path, params IEnumerable<string> command) =>
        new(lab.StartProgram("/usr/bin/python3", ["-c", Holder, path, .. command]));

    /// <summary>Ends the agent that runs, in peace; the holder starts the next one.</summary>
    public async Task RestartAsync(Lab lab)
    {
        var agents = Agents();
        using var kill = Process.Start("/bin/kill", ["-TERM", agents[^1].ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        await lab.UntilAsync("the next agent was started", () => Task.FromResult(Agents().Count > agents.Count));
    }

    public void Dispose() => _holder.Stop();

    private List<int> Agents() => [.. _holder.Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
        .Select(line => int.Parse(line, CultureInfo.InvariantCulture))];
}
