namespace ReplicationEngine.Simulation.World;

/// <summary>Where a strand stands.</summary>
internal enum StrandState
{
    /// <summary>The strand has ended or has nothing to do.</summary>
    Ended,

    /// <summary>The strand is inside a call of a device.</summary>
    AtDevice,

    /// <summary>The strand waits for another one.</summary>
    Waiting,
}

/// <summary>
/// Blocking calls of several callers within one world: each runs on a thread of its own, and exactly one thread runs at
/// a time. A strand gives way only where it says so, so the same seed gives the same run.
/// </summary>
internal sealed class Strands : IDisposable
{
    private readonly Stack<Strand> _idle = new();
    private readonly List<Strand> _all = [];

    /// <summary>Runs work until it gives way or ends; the caller waits meanwhile.</summary>
    /// <param name="work">The blocking call.</param>
    /// <param name="stops">Where a device stands still with it: what <see cref="Strand.Stops"/> says.</param>
    public Strand Start(Action work, int stops)
    {
        if (!_idle.TryPop(out var strand))
        {
            strand = new Strand(_idle);
            _all.Add(strand);
        }

        strand.Begin(work, stops);
        return strand;
    }

    /// <summary>Ends all threads; what is under way ends as if its process had died.</summary>
    public void Dispose()
    {
        foreach (var strand in _all)
        {
            strand.Dispose();
        }
    }
}

/// <summary>One thread that runs while the world waits for it, and waits while the world runs.</summary>
internal sealed class Strand : IDisposable
{
    [ThreadStatic]
    private static Strand? t_current;

    private readonly SemaphoreSlim _go = new(0);
    private readonly SemaphoreSlim _back = new(0);
    private readonly Thread _thread;
    private readonly Stack<Strand> _idle;
    private Action? _work;
    private bool _over;

    public Strand(Stack<Strand> idle)
    {
        _idle = idle;
        _thread = new Thread(Loop, 512 << 10) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The strand that the calling thread is; null for the world itself.</summary>
    public static Strand? Current => t_current;

    /// <summary>Where it stands, as the world sees it.</summary>
    public StrandState State { get; private set; }

    /// <summary>Why its work failed; null when it did not.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether a device took all that its call brought.</summary>
    public bool Taken { get; set; }

    /// <summary>At which of its stops a device gives way, as bits.</summary>
    public int Stops { get; private set; }

    /// <summary>Lets new work run until it gives way or ends.</summary>
    public void Begin(Action work, int stops)
    {
        (_work, Failure, Stops, Taken) = (work, null, stops, false);
        Resume();
    }

    /// <summary>Lets it run on until it gives way again or ends.</summary>
    public void Resume()
    {
        _go.Release();
        _back.Wait();
        if (State == StrandState.Ended)
        {
            _idle.Push(this);
        }
    }

    /// <summary>Gives way to the world; returns when the world resumes it. To be called by the strand itself.</summary>
    public void GiveWay(StrandState state)
    {
        State = state;
        _back.Release();
        _go.Wait();
        if (_over)
        {
            throw new Storage.SimulatedDeathException();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _over = true;
        while (_thread.IsAlive)
        {
            _go.Release();
            _thread.Join(TimeSpan.FromMilliseconds(20));
        }

        _go.Dispose();
        _back.Dispose();
    }

    private void Loop()
    {
        t_current = this;
        while (true)
        {
            _go.Wait();
            if (_over)
            {
                return;
            }

            try
            {
                _work!();
            }
            catch (Exception e) when (e is not OutOfMemoryException)
            {
                // Whoever resumed the strand judges it.
                Failure = e;
            }

            (_work, State) = (null, StrandState.Ended);
            _back.Release();
        }
    }
}
