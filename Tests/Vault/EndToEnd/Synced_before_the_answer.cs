using ReplicationEngine.Tests.TestKit;
using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>
/// What the kernel saw of a command: its events were written to SQLite's write-ahead log and synced before anybody was
/// told anything. The word of the database is not taken for it.
/// </summary>
public sealed class Synced_before_the_answer : IDisposable
{
    private const string WriteAheadLog = "journal.db-wal";

    /// <summary>Stands in the name of the event's stream, and so in the log and in the answer.</summary>
    private const string Vm = "traced-machine";

    private readonly Lab _lab = new();

    private string Trace => Path.Combine(_lab.Root, "trace");

    public void Dispose() => _lab.Dispose();

    [Fact]
    [Trait("Req", "I18")]
    public async Task A_command_is_on_the_disk_before_the_service_says_so()
    {
        OutsideTool.Require("strace", "strace");
        await _lab.StartServiceUnderAsync(
            "strace", "-f", "-y", "-qq", "-I", "2", "--seccomp-bpf", "-s", "8192", "-o", Trace,
            "-e", "trace=fsync,fdatasync,write,writev,pwrite64,pwritev,sendto,sendmsg", "--");
        await _lab.StartAgentAsync();

        await _lab.AskAsync("protect", Vm, "--no-wait", "--disk", _lab.MakeDisk("disk", 1 << 20, seed: 1));
        _lab.Service!.Stop();

        var calls = TracedCalls.Read(File.ReadLines(Trace)).Calls;
        var written = calls.FirstOrDefault(call => call.Writes(WriteAheadLog) && Names(call));
        Assert.True(written is not null, $"No write to {WriteAheadLog} names {Vm}.");
        var synced = calls.FirstOrDefault(call => call.Syncs(WriteAheadLog) && call.Began > written.Ended);
        Assert.True(synced is not null, $"{WriteAheadLog} was never synced after {written.Name} at {written.Began}.");
        var told = calls.Where(call => call.Sends && Names(call)).ToList();
        Assert.Contains(told, call => call.Data.Contains("HTTP/1.1 20", StringComparison.Ordinal));
        Assert.All(told, call => Assert.True(
            call.Began > synced.Ended,
            $"line {call.Began}: {call.Name} tells of {Vm}, which was written at {written.Ended} and was synced only "
                + $"at {synced.Ended}"));
    }

    private static bool Names(TracedCall call) => call.Data.Contains(Vm, StringComparison.Ordinal);
}
