using System.Collections.Concurrent;
using System.Globalization;
using ReplicationEngine.Simulation.Planner.Cli;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>The progress of a run's worlds, shown on one line. A single long world also shows progress.</summary>
internal sealed class SeedProgress : IDisposable
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(300);

    /// <summary>The time that a world usually needs to become calm after everything was repaired.</summary>
    private static readonly TimeSpan Rest = TimeSpan.FromMinutes(24);

    private readonly ConcurrentDictionary<SimWorld, bool> _running = new();
    private readonly Lock _lock = new();
    private readonly ProgressLine _line;
    private readonly ITimer _timer;
    private readonly RunOptions _options;
    private string _told = "";
    private int _done;
    private bool _ended;

    /// <summary>Creates the progress line of a number of seeds. Nothing is drawn unless stderr is a terminal.</summary>
    public SeedProgress(RunOptions options, TextWriter error)
    {
        (_options, _line) = (options, new ProgressLine(error, 1));
        _timer = TimeProvider.System.CreateTimer(_ => Draw(), null, Often, Often);
    }

    /// <summary>Runs a world and shows its progress.</summary>
    public SimResult Run(SimWorld world)
    {
        _running[world] = true;
        var result = world.Run();
        _running.TryRemove(world, out _);
        Interlocked.Increment(ref _done);
        return result;
    }

    /// <summary>Sets the text about the finished seeds, which the line shows from now on.</summary>
    public void Tell(Tally tally, TimeSpan elapsed)
    {
        var rate = tally.Steps / Math.Max(0.001, elapsed.TotalSeconds);
        _told = string.Create(CultureInfo.InvariantCulture,
            $"; {tally.Runs}/{_options.Seeds} seeds, {tally.Failures} failed, {rate:N0} steps/s");
    }

    /// <summary>Prints a message above the progress line.</summary>
    public void Above(Action say)
    {
        lock (_lock)
        {
            _line.Clear();
            say();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _timer.Dispose();
        lock (_lock)
        {
            _ended = true;
            _line.Dispose();
        }
    }

    private void Draw()
    {
        lock (_lock)
        {
            if (!_ended)
            {
                var whole = TimeSpan.FromHours(_options.Hours) + Rest;
                var parts = _running.Keys.Sum(world => Math.Min(0.99, world.Queue.Now / whole));
                _line.Show(Math.Min(1, (_done + parts) / _options.Seeds), _told);
            }
        }
    }
}
