using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A process: it can be killed, stopped for a while and started again. What it planned for later dies with it.
/// </summary>
internal abstract class Node(SimWorld world, string name) : IDisposable
{
    private TimeSpan _pausedUntil;

    /// <summary>The node's name.</summary>
    public string Name { get; } = name;

    /// <summary>Whether it runs.</summary>
    public bool Alive { get; private set; }

    /// <summary>How often it was started.</summary>
    public int Life { get; private set; }

    /// <summary>Whether it is stopped now.</summary>
    public bool Paused => World.Queue.Now < _pausedUntil;

    /// <summary>The node's clocks.</summary>
    public VirtualClock Clock { get; } = new(world.Queue, SimWorld.Start);

    /// <summary>Ends with its life.</summary>
    public CancellationToken LifeEnds => _life.Token;

    /// <summary>The world around it.</summary>
    protected SimWorld World { get; } = world;

    /// <summary>Where this life's awaiting goes on.</summary>
    public SynchronizationContext Context { get; private set; } = new();

    private CancellationTokenSource _life = new();

    /// <summary>Begins a life.</summary>
    protected void Begin()
    {
        (Alive, Life) = (true, Life + 1);
        _life = new CancellationTokenSource();
        Context = new NodeContext(World, this, Life);
        World.Trace.Note(Name, Life);
    }

    /// <summary>Ends a life.</summary>
    public void Die()
    {
        if (Alive)
        {
            Alive = false;
            _pausedUntil = TimeSpan.Zero;
            World.Trace.Note(Name, -Life);
            _life.Cancel();
            Died();
        }
    }

    /// <summary>Stops it for a while.</summary>
    public void Pause(TimeSpan length) => _pausedUntil = World.Queue.Now + length;

    /// <summary>Does something later, if this life lasts until then; a stopped process does it afterwards.</summary>
    public void After(TimeSpan delay, Action action)
    {
        var life = Life;
        World.Queue.After(delay, () => Enter(life, action));
    }

    /// <summary>Does something again and again, as long as this life lasts.</summary>
    public void Every(TimeSpan period, Action action) => After(period, () =>
    {
        action();
        Every(period, action);
    });

    /// <summary>Does something now; false when the process died of it, or is not alive.</summary>
    public bool Do(Action action)
    {
        if (!Alive)
        {
            return false;
        }

        try
        {
            action();
            return Alive;
        }
        catch (SimulatedDeathException)
        {
            Die();
            return false;
        }
    }

    /// <summary>Does something within a life; nothing when that is over, and later when it is stopped.</summary>
    public void Enter(int life, Action action)
    {
        if (life != Life || !Alive)
        {
            return;
        }

        if (Paused)
        {
            World.Queue.At(_pausedUntil, () => Enter(life, action));
        }
        else
        {
            Do(action);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _life.Dispose();

    /// <summary>What goes with its life.</summary>
    protected abstract void Died();
}
