namespace ReplicationEngine.Simulation.World;

/// <summary>The state of a strand.</summary>
internal enum StrandState
{
    /// <summary>The strand has ended or has no work.</summary>
    Ended,

    /// <summary>The strand is inside a call of a device.</summary>
    AtDevice,

    /// <summary>The strand waits for another one.</summary>
    Waiting,
}

/// <summary>
/// The threads of blocking calls within one world. Each call runs on its own thread, and exactly one thread runs at a
/// time. A strand yields only at defined places, so the same seed gives the same run.
/// </summary>
internal sealed class Strands : IDisposable
{
    private readonly Stack<Strand> _idle = new();
    private readonly List<Strand> _all = [];

    /// <summary>Runs work until it yields or ends. The caller waits meanwhile.</summary>
    /// <param name="work">The blocking call.</param>
    /// <param name="stops">The points at which a device pauses the call; see <see cref="Strand.Stops"/>.</param>
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

    /// <summary>Ends all threads. Work in progress ends as if its process had died.</summary>
    public void Dispose()
    {
        foreach (var strand in _all)
        {
            strand.Dispose();
        }
    }
}

/// <summary>A thread that runs while the world waits for it, and waits while the world runs.</summary>
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

    /// <summary>The strand of the calling thread; null for the world itself.</summary>
    public static Strand? Current => t_current;

    /// <summary>The strand's state, as the world sees it.</summary>
    public StrandState State { get; private set; }

    /// <summary>The exception that ended the work; null when the work did not fail.</summary>
    public Exception? Failure { get; private set; }

    /// <summary>Whether a device took all changes of the call.</summary>
    public bool Taken { get; set; }

    /// <summary>The points at which a device yields, as bits.</summary>
    public int Stops { get; private set; }

    /// <summary>Runs new work until it yields or ends.</summary>
    public void Begin(Action work, int stops)
    {
        (_work, Failure, Stops, Taken) = (work, null, stops, false);
        Resume();
    }

    /// <summary>Lets the strand continue until it yields again or ends.</summary>
    public void Resume()
    {
        _go.Release();
        _back.Wait();
        if (State == StrandState.Ended)
        {
            _idle.Push(this);
        }
    }

    /// <summary>
    /// Yields to the world, and returns when the world resumes the strand. Only the strand itself may call it.
    /// </summary>
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
                // The caller that resumed the strand judges the failure.
                Failure = e;
            }

            (_work, State) = (null, StrandState.Ended);
            _back.Release();
        }
    }
}
