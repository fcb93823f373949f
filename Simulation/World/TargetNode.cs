using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas;
using ReplicationEngine.DataPlane.Transport;
using ReplicationEngine.Orchestration.Targets;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The target side of one VM in the service: the production volume over simulated disks, and the session that feeds it
/// over the simulated link.
/// </summary>
internal sealed class TargetNode(SimWorld world, SimVm vm, SplittableRandom random) : ITargetSessions, IMachineServer
{
    private readonly SplittableRandom _incarnations = random.Split("incarnations");
    private DataSession? _session;
    private WatchedTarget? _watched;
    private ITargetStream? _stream;
    private int _turn;
    private int _boot;

    /// <summary>The storage of the VM's replica.</summary>
    public SimulatedStorage Storage { get; } = new(random.Split("storage"));

    /// <summary>The target volume since the service's last start; null until it is needed.</summary>
    public TargetVolume? Volume { get; private set; }

    /// <summary>The target volume as effects and facts use it.</summary>
    public ITargetVolume? Reached => _watched;

    /// <summary>The replica store; null while there is none.</summary>
    public ReplicaStore? Store => Volume?.Store;

    /// <summary>The test machine; null while there is none.</summary>
    public ServedMachine? Test => Volume?.Test;

    /// <summary>The recovered machine; null while there is none.</summary>
    public ServedMachine? Live => Volume?.Live;

    /// <summary>The present data session; null while there is none.</summary>
    public DataSession? Session => _session;

    /// <summary>Whether a replica of the VM is stored.</summary>
    public bool Exists => ReplicaStore.Exists(Storage.Root.Subdirectory(TargetVolume.StoreDirectory));

    /// <inheritdoc/>
    public bool Receiving => _session is { Open: true } && Live is null;

    /// <inheritdoc/>
    public ReverseStream? Reverse => _session is { Open: true } session && Live is not null
        ? new ReverseStream(session.Streaming, session.Durable, session.LogBytes.Shipped, 0) : null;

    /// <summary>Returns the target volume; creates it if there is none.</summary>
    public TargetVolume Obtain()
    {
        if (Volume is { } known)
        {
            return known;
        }

        var volume = new TargetVolume(Surroundings(), _ => world.Parts.Sessions(this));
        _watched = new WatchedTarget(world, vm, volume, world.Parts.Target(volume, world.Service.Clock));
        _stream = world.Parts.Stream(volume);
        return Volume = volume;
    }

    /// <summary>Called when the service's process died.</summary>
    public void Died(bool powerCut)
    {
        Storage.Kill();
        _turn++;
        if (powerCut)
        {
            _session = null;
        }

        EndSession("the service died");
        Forget();
        Storage.Restart(powerCut);
        _boot += powerCut ? 1 : 0;
    }

    /// <summary>
    /// Releases everything that the target side has open, and deletes the replica unless it is to be kept.
    /// </summary>
    public async Task ReleaseAsync(bool keep)
    {
        if (Volume is { } volume)
        {
            Forget();
            _turn++;
            EndSession("released");
            await volume.DisposeAsync();
        }

        if (!keep)
        {
            ReplicaStore.Delete(Storage.Root, TargetVolume.StoreDirectory);
            Storage.Root.DeleteSubdirectory("live");
            vm.Forget();
        }
    }

    /// <summary>Runs the background work of the target volume.</summary>
    public void Maintain()
    {
        try
        {
            Volume?.Maintain();
            _session?.Poke();
        }
        catch (IOException)
        {
            world.Trace.Note("background work failed");
        }
    }

    /// <summary>
    /// Runs the first half of a handshake: a source offers to send, and the target side accepts. Returns the greeting
    /// that the second half must present.
    /// </summary>
    /// <exception cref="IOException">The target side refuses the offer.</exception>
    public int Greet(IChangeSource source)
    {
        Check(SessionOffer.Send(source), _stream?.OfferToReceive());
        return _turn;
    }

    /// <summary>
    /// Runs the second half of a handshake: begins the session of a greeted source, which replaces any other session.
    /// </summary>
    /// <exception cref="IOException">The target side has ended all sessions since the greeting, or a newer term has
    /// begun.</exception>
    public DataSession Receive(IChangeSource source, SessionEnd sender, int greeting)
    {
        if (greeting != _turn || Volume is null)
        {
            throw new IOException("the target side has ended it");
        }

        if (source.Term.CompareTo(Volume.Opened().Position.Term) < 0)
        {
            world.Sometimes.Count(Probes.StaleAtStore);
        }

        EndSession("another takes its place");
        var replica = _stream!.Receive(source.Term);
        var store = Volume.Opened();
        for (var disk = 0; disk < source.Disks.Count; disk++)
        {
            if (source.Disks[disk].SizeBytes > store.Disks[disk].SizeBytes)
            {
                store.Resize(disk, source.Disks[disk].SizeBytes);
            }
        }

        vm.Models.Attaches(store.Applied);
        var sink = world.Checkers.Watch(vm, world.Parts.Sink(replica), source.Term);
        return _session = DataSession.Begin(
            world, vm.Wire, toService: true, (sender, new SessionEnd(world.Service, _ => { })),
            new WatchedSource(world, source), sink);
    }

    /// <summary>
    /// Begins a session in which the old source receives the writes of the recovered machine. The session replaces any
    /// other one.
    /// </summary>
    /// <exception cref="IOException">The target side refuses the offer.</exception>
    public DataSession SendBack(IReplicaSink sink, IReadOnlyList<long> sizes, SessionEnd receiver)
    {
        Check(SessionOffer.Receive(sink, sizes), _stream?.OfferToSend());
        EndSession("another takes its place");
        return _session = DataSession.Begin(
            world, vm.Wire, toService: false, (new SessionEnd(world.Service, _ => { }), receiver),
            world.Parts.Source(Volume!.RequireLive().Source!), sink);
    }

    /// <inheritdoc/>
    public Task EndAsync()
    {
        _turn++;
        EndSession("the target side ends it");
        return Task.CompletedTask;
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<RecoveredDisk>> ServeAsync(
        string machine, IReadOnlyList<(string Path, IBlockDevice Device)> disks, CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<RecoveredDisk>>(
            [.. disks.Select((d, i) => new RecoveredDisk(d.Path, $"{machine}-{i}", "nbd://", d.Device.Length))]);

    /// <inheritdoc/>
    public Task StopAsync(RecoveredMachine machine) => Task.CompletedTask;

    private TargetSurroundings Surroundings() => new()
    {
        Vm = vm.Name,
        Directory = Storage.Root,
        BootId = $"boot-{_boot}",
        Time = world.Service.Clock,
        Server = this,
        Store = new ReplicaStoreOptions
        {
            Time = world.Service.Clock,
            SegmentBytes = 256 << 10,
            LayerExtents = 1 << 10,
            LayerBytes = 1 << 20,
            FoldStepBytes = 256 << 10,
            ManifestBytes = 16 << 10,
        },
        NewIncarnation = _incarnations.NextGuid,
        LiveCacheBytes = world.Plan.CacheLimitBytes,
        LiveSegmentBytes = 256 << 10,
        PollEvery = TimeSpan.FromMilliseconds(200),
    };

    private void Forget() => (Volume, _watched, _stream) = (null, null, null);

    private void EndSession(string why)
    {
        var session = _session;
        _session = null;
        session?.End(why);
    }

    private static void Check(SessionOffer theirs, SessionOffer? ours)
    {
        if (ours is null)
        {
            throw new SessionRefusedException(SessionRefusal.Unavailable, "there is nothing at the target");
        }

        if (SessionOffer.Refusal(theirs, ours) is { } refusal)
        {
            throw refusal;
        }
    }
}
