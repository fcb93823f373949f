using System.Text.RegularExpressions;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>
/// What strace wrote (<c>-f -y</c>) about a process: its system calls, with the lines at which each began and ended.
/// A call during which another thread's call was written stands in two lines, the first with <c>unfinished</c>.
/// </summary>
internal sealed partial class TracedCalls
{
    private TracedCalls(IReadOnlyList<TracedCall> calls) => Calls = calls;

    /// <summary>The calls that ended, in the order in which they began.</summary>
    public IReadOnlyList<TracedCall> Calls { get; }

    /// <summary>Reads a trace; a last line that is torn is left out.</summary>
    public static TracedCalls Read(IEnumerable<string> lines)
    {
        var calls = new List<TracedCall>();
        var open = new Dictionary<string, (int Line, string Text)>(StringComparer.Ordinal);
        var at = 0;
        foreach (var line in lines)
        {
            at++;
            var match = Line().Match(line);
            var (thread, text) = (match.Groups["thread"].Value, match.Groups["text"].Value);
            if (Unfinished().Match(text) is { Success: true } first)
            {
                open[thread] = (at, first.Groups["text"].Value);
            }
            else if (Resumed().Match(text) is { Success: true } second && open.Remove(thread, out var begun))
            {
                Add(calls, begun.Line, at, begun.Text + second.Groups["text"].Value);
            }
            else
            {
                Add(calls, at, at, text);
            }
        }

        return new TracedCalls([.. calls.OrderBy(call => call.Began)]);
    }

    private static void Add(List<TracedCall> calls, int began, int ended, string text)
    {
        if (Call().Match(text) is { Success: true } call)
        {
            calls.Add(new TracedCall(
                began, ended, call.Groups["name"].Value, call.Groups["file"].Value, call.Groups["data"].Value,
                call.Groups["result"].Value));
        }
    }

    [GeneratedRegex(@"^(?<thread>\d+)\s+(?<text>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Line();

    [GeneratedRegex(@"^(?<text>.*?)\s*<unfinished \.\.\.>$", RegexOptions.ExplicitCapture)]
    private static partial Regex Unfinished();

    [GeneratedRegex(@"^<\.\.\. \w+ resumed>(?<text>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Resumed();

    [GeneratedRegex(
        @"^(?<name>\w+)\(\d+<(?<file>[^>]*)>(?<data>.*)\)\s*= (?<result>.*)$", RegexOptions.ExplicitCapture)]
    private static partial Regex Call();
}

/// <summary>A system call.</summary>
/// <param name="Began">The line of the trace at which it began.</param>
/// <param name="Ended">The line at which it ended.</param>
/// <param name="Name">Such as <c>fdatasync</c>.</param>
/// <param name="File">The file, or the socket, that it was about.</param>
/// <param name="Data">The other arguments, as strace prints them.</param>
/// <param name="Result">What it returned.</param>
internal sealed record TracedCall(int Began, int Ended, string Name, string File, string Data, string Result)
{
    /// <summary>Whether it writes to a file of this name.</summary>
    public bool Writes(string file) =>
        Name is "write" or "writev" or "pwrite64" or "pwritev" && File.EndsWith(file, StringComparison.Ordinal);

    /// <summary>Whether it made what was written to a file of this name durable.</summary>
    public bool Syncs(string file) =>
        Name is "fsync" or "fdatasync" && Result == "0" && File.EndsWith(file, StringComparison.Ordinal);

    /// <summary>Whether it gives something to a socket.</summary>
    public bool Sends => File.StartsWith("socket:", StringComparison.Ordinal);
}
