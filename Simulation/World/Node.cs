using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A simulated process that can be killed, stopped for a while and restarted. A life is one run of the process. Actions
/// that the process scheduled end with its life.
/// </summary>
internal abstract class Node(SimWorld world, string name) : IDisposable
{
    private TimeSpan _pausedUntil;

    /// <summary>The name of the process.</summary>
    public string Name { get; } = name;

    /// <summary>Whether the process is alive.</summary>
    public bool Alive { get; private set; }

    /// <summary>The number of the present or last life; 0 before the first start.</summary>
    public int Life { get; private set; }

    /// <summary>Whether the process is stopped now.</summary>
    public bool Paused => World.Queue.Now < _pausedUntil;

    /// <summary>The clocks of the process's machine.</summary>
    public VirtualClock Clock { get; } = new(world.Queue, SimWorld.Start);

    /// <summary>A token that is cancelled when the present life ends.</summary>
    public CancellationToken LifeEnds => _life.Token;

    /// <summary>The world that contains the process.</summary>
    protected SimWorld World { get; } = world;

    /// <summary>The context in which awaited work of the present life continues.</summary>
    public SynchronizationContext Context { get; private set; } = new();

    private CancellationTokenSource _life = new();

    /// <summary>Begins a new life.</summary>
    protected void Begin()
    {
        (Alive, Life) = (true, Life + 1);
        _life = new CancellationTokenSource();
        Context = new NodeContext(World, this, Life);
        World.Trace.Note(Name, Life);
    }

    /// <summary>Ends the present life, if the process is alive.</summary>
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

    /// <summary>Stops the process for a while; zero lets it continue.</summary>
    public void Pause(TimeSpan length) => _pausedUntil = World.Queue.Now + length;

    /// <summary>
    /// Runs an action after a delay, if the present life lasts until then. A stopped process runs it when it continues.
    /// </summary>
    public void After(TimeSpan delay, Action action)
    {
        var life = Life;
        World.Queue.After(delay, () => Enter(life, action));
    }

    /// <summary>Runs an action periodically, as long as the present life lasts.</summary>
    public void Every(TimeSpan period, Action action) => After(period, () =>
    {
        action();
        Every(period, action);
    });

    /// <summary>Runs an action now. Returns false if the process is not alive or died during the action.</summary>
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

    /// <summary>
    /// Runs an action in the life with this number: now, after the pause if the process is stopped, or never if that
    /// life is over.
    /// </summary>
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

    /// <summary>Called when a life has ended, to discard everything that ends with it.</summary>
    protected abstract void Died();
}
