using ReplicationEngine.Simulation.Planner.Reports;

namespace ReplicationEngine.Simulation.Planner.Cli;

/// <summary>
/// Shows progress and the time left in a line on stderr that is redrawn in place. Nothing is drawn unless stderr is a
/// terminal. Calls must not overlap.
/// </summary>
/// <param name="error">The writer of the line; nothing is drawn unless it is stderr.</param>
/// <param name="runs">The number of runs that make up the whole.</param>
public sealed class ProgressLine(TextWriter error, int runs) : IDisposable
{
    private const int Cells = 30;
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(200);

    private readonly TimeProvider _time = TimeProvider.System;
    private readonly long _began = TimeProvider.System.GetTimestamp();
    private readonly bool _shown = ReferenceEquals(error, Console.Error) && !Console.IsErrorRedirected;
    private long _drawn;
    private int _run;
    private bool _disposed;

    /// <summary>Begins the next run.</summary>
    public void Next() => _run++;

    /// <summary>Shows the part of the current run that is done, from 0 to 1.</summary>
    public void Show(double part) => Show(part, "");

    /// <summary>Shows the part of the current run that is done, from 0 to 1, and an additional text.</summary>
    public void Show(double part, string more)
    {
        if (!_shown || _time.GetElapsedTime(_drawn) < Often)
        {
            return;
        }

        _drawn = _time.GetTimestamp();
        var all = (_run + part) / runs;
        var elapsed = _time.GetElapsedTime(_began);
        var left = all > 0.01 ? $", {Words.Duration((elapsed / all) - elapsed)} left" : "";
        var full = (int)(all * Cells);
        var bar = new string('█', full) + new string('░', Cells - full);
        error.Write($"\r{bar} {Words.Percent(all)}{left}{more}\u001b[K");
    }

    /// <summary>Removes the line until it is shown again.</summary>
    public void Clear()
    {
        if (_shown && !_disposed)
        {
            error.Write("\r\u001b[K");
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Clear();
        _disposed = true;
    }
}
