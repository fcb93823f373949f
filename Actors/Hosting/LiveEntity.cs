using Akka.Actor;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>An entity in memory, as its region's sweep for idle ones sees it.</summary>
internal sealed class LiveEntity(IActorRef actor)
{
    private readonly TaskCompletionSource _gone = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private long _lastUsed;

    /// <summary>Its actor.</summary>
    public IActorRef Actor => actor;

    /// <summary>The region's sweep during which it was used last.</summary>
    public long LastUsed => Volatile.Read(ref _lastUsed);

    /// <summary>Why it is out of service; null while it is in service.</summary>
    public string? Quarantine { get; set; }

    /// <summary>Done when its actor has ended.</summary>
    public Task Gone => _gone.Task;

    /// <summary>Its actor has ended.</summary>
    public void Leave() => _gone.SetResult();

    /// <summary>It is in use.</summary>
    public void Use(IEntityRegion region) => Volatile.Write(ref _lastUsed, region.Sweep);
}
