using Akka.Actor;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>An entity in memory, as its region's sweep for idle ones sees it.</summary>
internal sealed class LiveEntity(IActorRef actor)
{
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastUsed;
    private bool _open;

    /// <summary>Its actor.</summary>
    public IActorRef Actor => actor;

    /// <summary>The region's sweep during which it was used last.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>
    /// Whether it takes messages that do not come by its shard. Not before the first that does: what its shard has for
    /// it comes first.
    /// </summary>
    public bool IsOpen => Volatile.Read(ref _open);

    /// <summary>Why it is out of service; null while it is in service.</summary>
    public string? Quarantine { get; set; }

    /// <summary>Done when its actor has ended.</summary>
    public Task Gone => _gone.Task;

    /// <summary>Its actor has ended.</summary>
    public void Leave() => _gone.SetResult();

    /// <summary>It has taken a message.</summary>
    public void Open()
    {
        if (!_open)
        {
            Volatile.Write(ref _open, true);
        }
    }

    /// <summary>It is in use.</summary>
    public void Use(IEntityRegion region) => Volatile.Write(ref _lastUsed, region.Sweep);
}
