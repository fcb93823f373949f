using System.Globalization;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Shows the progress of work on a log on stderr, with the time left. A terminal shows one line that changes; other
/// outputs get a line every two seconds, so short work prints nothing.
/// </summary>
internal sealed class JournalProgress(CliSurroundings surroundings, string done)
{
    private readonly bool _live = surroundings.ErrorWidth is not null;
    private readonly DateTimeOffset _begin = surroundings.Time.GetUtcNow();
    private DateTimeOffset _next = surroundings.Time.GetUtcNow() + Spacing(surroundings);
    private bool _shown;

    /// <summary>Shows the progress if the last display is old enough.</summary>
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

    /// <summary>Removes the changing line.</summary>
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
