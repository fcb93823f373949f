using Akka.Actor;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>An entity in memory, as its region's idle sweep sees it.</summary>
internal sealed class LiveEntity(IActorRef actor)
{
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastUsed;
    private bool _open;

    /// <summary>The entity's actor.</summary>
    public IActorRef Actor => actor;

    /// <summary>The number of the sweep during which the entity was last used.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>
    /// Whether the entity accepts messages that bypass its shard. It does so only after the first message from its
    /// shard, which has precedence.
    /// </summary>
    public bool IsOpen => Volatile.Read(ref _open);

    /// <summary>Why the entity is out of service; null while it is in service.</summary>
    public string? Quarantine { get; set; }

    /// <summary>Completes when the entity's actor has ended.</summary>
    public Task Gone => _gone.Task;

    /// <summary>Records that the entity's actor has ended.</summary>
    public void Leave() => _gone.SetResult();

    /// <summary>Records that the entity has received a message from its shard.</summary>
    public void Open()
    {
        if (!_open)
        {
            Volatile.Write(ref _open, true);
        }
    }

    /// <summary>Records that the entity is in use.</summary>
    public void Use(IEntityRegion region) => Volatile.Write(ref _lastUsed, region.Sweep);
}
