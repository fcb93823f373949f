using System.Globalization;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Shows on stderr how far work on a log is, with the time left: on a terminal one line that changes, else a line every
/// two seconds, so that short work says nothing.
/// </summary>
internal sealed class JournalProgress(CliSurroundings surroundings, string done)
{
    private readonly bool _live = surroundings.ErrorWidth is not null;
    private readonly DateTimeOffset _begin = surroundings.Time.GetUtcNow();
    private DateTimeOffset _next = surroundings.Time.GetUtcNow() + Spacing(surroundings);
    private bool _shown;

    /// <summary>Shows it when it is time to.</summary>
    public void Show(ReplayProgress progress)
    {
        var now = surroundings.Time.GetUtcNow();
        if (now < _next || progress.Of == 0)
        {
            return;
        }

        _next = now + Spacing(surroundings);
        var line = Text(progress, now - _begin);
        if (_live)
        {
            surroundings.Error.Write("\r\x1b[2K" + line);
            _shown = true;
        }
        else
        {
            surroundings.Error.WriteLine(line);
        }
    }

    /// <summary>Takes the changing line away.</summary>
    public void Clear()
    {
        if (_shown)
        {
            surroundings.Error.Write("\r\x1b[2K");
        }
    }

    private string Text(ReplayProgress progress, TimeSpan passed)
    {
        var part = (double)progress.Events / progress.Of;
        var left = part > 0 ? passed.TotalSeconds * (1 - part) / part : 0;
        var damages = progress.Damages > 0 ? $", {Readable.Count(progress.Damages, "damage")}" : "";
        return string.Create(
            CultureInfo.InvariantCulture,
            $"{done} {progress.Events:N0} of {progress.Of:N0} ({Readable.Percent(part * 100)}){damages}, "
            + $"{Readable.Duration(Math.Max(0, left))} left");
    }

    private static TimeSpan Spacing(CliSurroundings surroundings) =>
        surroundings.ErrorWidth is null ? TimeSpan.FromSeconds(2) : TimeSpan.FromMilliseconds(200);
}
