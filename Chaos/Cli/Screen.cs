namespace ReplicationEngine.Chaos.Cli;

/// <summary>
/// Shows a run on stderr: a timeline, and on a terminal one line below it that changes. Safe for several threads.
/// </summary>
/// <param name="error">The writer of the display.</param>
/// <param name="columns">The terminal's columns; null when stderr is not a terminal.</param>
/// <param name="file">A file for the timeline.</param>
internal sealed class Screen(TextWriter error, int? columns, string file) : IDisposable
{
    private const string Clear = "\r\u001b[2K";
    private readonly Lock _lock = new();
    private readonly StreamWriter _file = new(file) { AutoFlush = true };
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private string _status = "";
    private bool _ended;

    /// <summary>Adds a line to the timeline.</summary>
    public void Tell(string text)
    {
        lock (_lock)
        {
            var passed = TimeProvider.System.GetElapsedTime(_began);
            var line = $"{(int)passed.TotalMinutes:00}:{passed.Seconds:00}.{passed.Milliseconds / 100}  {Plain(text)}";
            _file.WriteLine(line);
            error.WriteLine(columns is null ? line : Clear + line);
            Draw();
        }
    }

    /// <summary>Shows the progress of the run.</summary>
    public void Status(string text)
    {
        lock (_lock)
        {
            _status = Plain(text);
            Draw();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _ended = true;
            if (columns is not null)
            {
                error.Write(Clear);
            }

            _file.Dispose();
        }
    }

    private static string Plain(string text) =>
        string.Concat(text.Select(c => char.IsControl(c) ? '·' : c));

    private void Draw()
    {
        if (columns is { } width && !_ended)
        {
            error.Write(Clear + (_status.Length < width ? _status : _status[..(width - 1)]));
        }
    }
}
