using System.Globalization;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Shows the progress of reading a recovery point on stderr. A terminal shows a bar; other outputs get a line every two
/// seconds, so short work prints nothing.
/// </summary>
internal sealed class ReplicaProgress(CliSurroundings surroundings, string what) : IProgress<(long Done, long Total)>
{
    private const int Cells = 30;
    private readonly bool _live = surroundings.ErrorWidth is not null;
    private DateTimeOffset _next = surroundings.Time.GetUtcNow() + Spacing(surroundings);
    private bool _shown;

    /// <inheritdoc/>
    public void Report((long Done, long Total) value)
    {
        var now = surroundings.Time.GetUtcNow();
        if (now < _next || value.Total == 0)
        {
            return;
        }

        _next = now + Spacing(surroundings);
        var percent = 100.0 * value.Done / value.Total;
        var line = string.Create(
            CultureInfo.InvariantCulture,
            $"{what} {Readable.Bar(percent, Cells)} {Readable.Percent(percent)} of {Readable.Bytes(value.Total)}");
        surroundings.Error.Write(_live ? "\r\x1b[2K" + line : line + "\n");
        _shown = _live;
    }

    /// <summary>Removes the changing line.</summary>
    public void Clear()
    {
        if (_shown)
        {
            surroundings.Error.Write("\r\x1b[2K");
        }
    }

    private static TimeSpan Spacing(CliSurroundings surroundings) =>
        surroundings.ErrorWidth is null ? TimeSpan.FromSeconds(2) : TimeSpan.FromMilliseconds(200);
}
