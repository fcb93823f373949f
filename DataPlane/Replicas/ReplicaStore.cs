using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Replicas.Applying;
using ReplicationEngine.DataPlane.Replicas.Hashes;
using ReplicationEngine.DataPlane.Replicas.Maintenance;
using ReplicationEngine.DataPlane.Replicas.Overlays;
using ReplicationEngine.DataPlane.Replicas.Points;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Replicas;

/// <summary>
/// The target side of one protected VM: a log-structured store of its disks with recovery points. Any point can be read
/// at once, whatever the disks' sizes; overlays make a point writable without changing it.
/// </summary>
/// <remarks>
/// Layers: the base image of each disk, over it the sealed layers (one or more per interval between points), over those
/// the layer being written. A point is "everything up to a layer". After a point is pruned, <see cref="Maintain"/> can
/// merge its layer with the next one, or fold it into the base if it is the oldest. Formats:
/// docs/formats/replica-store.md.
/// <para>
/// Concurrency: every member may be called from any thread. Only one thread at a time changes the store; it holds the
/// session lock, which is taken here and by none of the parts. The documentation of a part states whether the session
/// lock guards it. Views are read concurrently, under the log's gate (<see cref="RedoLog.Gate"/>). Order of locks:
/// session lock, an overlay's lock, the log's gate, the lock of the block hashes or of the segments.
/// </para>
/// </remarks>
public sealed class ReplicaStore : IReplicaSink, IDisposable
{
    private readonly Lock _session = new();
    private readonly LayerStack _content;
    private readonly TimeProvider _time;
    private readonly WriteGuard _guard;
    private readonly SenderFence _sender;
    private readonly DamageLedger _damage;
    private readonly PointLedger _points;
    private readonly ChangeApplier _applier;
    private readonly NewestBlocks _blocks;
    private readonly OverlaySet _overlays;
    private readonly StoreMaintenance _maintenance;
    private readonly Rewinder _rewinder;
    private bool _disposed;

    private ReplicaStore(LayerStack content, ReplicaStoreOptions options)
    {
        (_content, _time) = (content, options.Time);
        _guard = new WriteGuard(content);
        _sender = new SenderFence(content.State, _guard);
        _damage = new DamageLedger(content);
        _points = new PointLedger(content, _damage, _guard);
        _applier = new ChangeApplier(content, new PointSealer(content, options.Time), _guard);
        _blocks = new NewestBlocks(content);
        _overlays = new OverlaySet(content, _points, _damage, _guard, options);
        _maintenance = new StoreMaintenance(content, _damage, _overlays, _guard, options.FoldStepBytes);
        _rewinder = new Rewinder(content, _points, _overlays, _maintenance, _applier, _guard);
    }

    /// <summary>The VM to which the replica belongs.</summary>
    public ProtectedVmId Vm => new(_content.State.VmId);

    /// <summary>The current disks of the replica.</summary>
    public IReadOnlyList<DiskSpec> Disks =>
        Read<IReadOnlyList<DiskSpec>>(static store => [.. store._content.State.Disks]);

    /// <inheritdoc/>
    public ReplicaPosition Position => Read(static store => store._applier.Position);

    /// <summary>
    /// The reason why the file system was full at the latest write; null if the write succeeded. Safe to read from any
    /// thread, and never blocks.
    /// </summary>
    public string? FullBecause => _guard.FullBecause;

    /// <summary>The position of the newest applied change, durable or not.</summary>
    public ChangePosition Applied => Read(static store => store._content.Log.Stream.Applied);

    /// <summary>
    /// The number of the manifest's frames, and the hash that chains all of them. An operator who stores both elsewhere
    /// can prove later that the store's history was not changed or rolled back (S11).
    /// </summary>
    public (long Frames, ReadOnlyMemory<byte> Chain) ManifestHead =>
        Read(static store => (store._content.Log.Manifest.Frames, store._content.Log.Manifest.Chain));

    /// <summary>
    /// The recovery points, oldest first. Each is durable; its content never changes until it is pruned (I6). The same
    /// list instance is returned until a point changes.
    /// </summary>
    public IReadOnlyList<RecoveryPoint> Points => Read(static store => store._points.Points);

    /// <summary>The last 1,024 markers that made no point, oldest first; a new list whenever Points is.</summary>
    public IReadOnlyList<SkippedMarker> SkippedMarkers => Read(static store => store._points.Skipped);

    /// <summary>The names of the existing overlays, in ordinal order.</summary>
    public IReadOnlyList<string> Overlays => Read(static store => store._overlays.Names);

    /// <summary>Returns whether a directory holds a replica store.</summary>
    public static bool Exists(IStorageDirectory directory) => LayerStack.Exists(directory);

    /// <summary>
    /// Deletes a store and its directory. The manifest is deleted first, durably, so that the files that a later power
    /// failure leaves are not a store.
    /// </summary>
    public static void Delete(IStorageDirectory parent, string name) => LayerStack.Delete(parent, name);

    /// <summary>Creates an empty store in its own directory.</summary>
    /// <exception cref="InvalidOperationException">The directory already holds a store.</exception>
    /// <exception cref="ArgumentException">The list of disks is empty, or a disk has no size.</exception>
    /// <exception cref="StorageException">The system reports an error.</exception>
    public static ReplicaStore Create(
        IStorageDirectory directory, ProtectedVmId vm, IReadOnlyList<DiskSpec> disks, Term term,
        ReplicaStoreOptions? options = null)
    {
        options ??= new ReplicaStoreOptions();
        return new ReplicaStore(LayerStack.Create(directory, vm, disks, term, options), options);
    }

    /// <summary>Opens a store and restores exactly its durable state.</summary>
    /// <exception cref="InvalidOperationException">The directory holds no store.</exception>
    /// <exception cref="ReplicaCorruptException">The manifest is damaged: no point may be used.</exception>
    /// <exception cref="StorageException">The system reports an error.</exception>
    public static ReplicaStore Open(IStorageDirectory directory, ReplicaStoreOptions? options = null)
    {
        options ??= new ReplicaStoreOptions();
        var store = new ReplicaStore(LayerStack.Open(directory, options), options);
        try
        {
            store._applier.Recover();
            return store;
        }
        catch
        {
            store.Dispose();
            throw;
        }
    }

    /// <summary>Raises the term durably: senders with a smaller term are refused from now on (I15, FOV-8).</summary>
    /// <exception cref="ReplicaRefusedException">The store's term is already higher.</exception>
    public void Fence(Term term)
    {
        using var change = BeginChange();
        _sender.Raise(term);
    }

    /// <summary>Accepts a sender under a term: refuses a stale term, otherwise raises the store's term to it.</summary>
    /// <exception cref="ReplicaRefusedException">The sender's term is stale.</exception>
    public void AcceptTerm(Term term)
    {
        using var change = BeginChange();
        _sender.Admit(term);
    }

    /// <inheritdoc/>
    public void NameSource(Guid incarnation)
    {
        using var change = BeginChange();
        _sender.Name(incarnation);
    }

    /// <inheritdoc/>
    /// <remarks>Known only since the store was opened, and only for a limited number of syncs.</remarks>
    public IReadOnlyList<ExtentRange>? ChangedSince(MarkedPosition floor)
    {
        lock (_session)
        {
            return _applier.ChangedSince(floor);
        }
    }

    /// <inheritdoc/>
    public void Apply(ReadOnlyMemory<byte> records)
    {
        using var change = BeginChange();
        _sender.EnsureCurrent();
        _applier.Apply(records);
    }

    /// <inheritdoc/>
    public void NoteBlockHashes(int disk, long firstBlock, ReadOnlySpan<byte> hashes)
    {
        lock (_session)
        {
            _blocks.NoteArrived(disk, firstBlock, hashes);
        }
    }

    /// <inheritdoc/>
    public void CompareBlocks(int disk, long firstBlock, ReadOnlySpan<byte> hashes, Span<bool> differs) =>
        _blocks.Compare(disk, SizeOf(disk), firstBlock, hashes, differs);

    /// <inheritdoc/>
    public bool TryReadBlockHashes(int disk, long firstBlock, Span<byte> hashes) =>
        _blocks.TryRead(disk, SizeOf(disk), firstBlock, hashes);

    /// <inheritdoc/>
    public void EndResync(ChangePosition consistentFrom)
    {
        using var change = BeginChange();
        _applier.EndResync(consistentFrom);
    }

    /// <inheritdoc/>
    public ChangePosition Sync()
    {
        using var change = BeginChange();
        return _applier.Sync();
    }

    /// <inheritdoc/>
    public void Resize(int disk, long sizeBytes)
    {
        using var change = BeginChange();
        _applier.Resize(disk, sizeBytes);
    }

    /// <summary>The number of the newest durable fact; 0 before the first.</summary>
    public long NewestFact
    {
        get
        {
            lock (_session)
            {
                return _points.NewestFact;
            }
        }
    }

    /// <summary>Returns the durable facts with numbers above a given one, in order; at most the last 8,192.</summary>
    internal IReadOnlyList<NumberedFact> FactsAfter(long number)
    {
        lock (_session)
        {
            return _points.FactsAfter(number);
        }
    }

    /// <summary>Seals a point at the applied position, durably ("latest" for a failover). The same id twice is one
    /// point.</summary>
    /// <exception cref="ReplicaRefusedException">The replica is resyncing, or cannot write.</exception>
    public RecoveryPoint SealNow(RecoveryPointId id, DateTimeOffset time, PointKind kind)
    {
        using var change = BeginChange();
        return _applier.Seal(id, time, kind);
    }

    /// <summary>Opens a point for reading, immediately whatever its size (FOV, RTO).</summary>
    /// <exception cref="ReplicaRefusedException">The point does not exist or is unusable.</exception>
    public RecoveryPointExport OpenPoint(RecoveryPointId id)
    {
        lock (_session)
        {
            EnsureOpen();
            return _points.Export(id, () => EndReading(id));
        }
    }

    /// <summary>Keeps a point from being pruned for a reason, durably; the same reason twice is one hold.</summary>
    public void Hold(RecoveryPointId id, string reason)
    {
        using var change = BeginChange();
        _points.Hold(id, reason);
    }

    /// <summary>Ends a hold, durably; does nothing if there is no hold for this reason.</summary>
    public void Release(RecoveryPointId id, string reason)
    {
        using var change = BeginChange();
        _points.Release(id, reason);
    }

    /// <summary>
    /// Drops points, durably; <see cref="Maintain"/> frees their space. Points that are held, exported, under an
    /// overlay, or the last usable one are kept (I25). Ids that do not exist are ignored.
    /// </summary>
    public PruneResult Prune(IReadOnlyCollection<RecoveryPointId> ids)
    {
        using var change = BeginChange();
        return _points.Prune(ids);
    }

    /// <summary>
    /// Makes a point the newest content, durably: everything newer is dropped (commit after a failover, FOV-4). The
    /// replica's position is then the point's cut.
    /// </summary>
    /// <exception cref="ReplicaRefusedException">The point is unusable, or a newer one is held or in use.</exception>
    public void Rewind(RecoveryPointId id)
    {
        using var change = BeginChange();
        _rewinder.Rewind(id);
    }

    /// <summary>
    /// Reads every stored byte of a point and checks all checksums and the content digest (RCP-6). Reports exactly the
    /// damaged ranges and the differing blocks (I14); any of them, or a wrong digest, makes the point unusable.
    /// Replication continues concurrently.
    /// </summary>
    /// <param name="id">The point; may already be unusable.</param>
    /// <param name="progress">Receives the bytes done and the bytes of all disks, every 4 MiB; may be null.</param>
    /// <param name="cancellationToken">Cancels the verification.</param>
    /// <exception cref="ReplicaRefusedException">The point does not exist.</exception>
    public VerifyReport Verify(
        RecoveryPointId id, IProgress<(long Done, long Total)>? progress = null,
        CancellationToken cancellationToken = default)
    {
        RecoveryPoint point;
        long layer;
        lock (_session)
        {
            EnsureOpen();
            _damage.Settle();
            (point, layer) = _points.Find(id);
            _points.BeginReading(id);
        }

        try
        {
            var scrub = new Scrub(_content, point, layer);
            var report = scrub.Run(progress, cancellationToken);
            lock (_session)
            {
                _points.RecordVerification(point, report, scrub);
            }

            return report;
        }
        finally
        {
            EndReading(id);
        }
    }

    /// <summary>
    /// Computes digests of new points, folds the oldest layers into the base images, merges layers whose points are
    /// gone, cleans and frees segments. Each step is bounded (some milliseconds; a fold step writes at most 8 MiB);
    /// other callers run between steps. Returns whether there is more to do.
    /// </summary>
    /// <param name="budget">The time during which new steps are started.</param>
    /// <param name="cancellationToken">Ends the work after the current step.</param>
    /// <exception cref="ReplicaRefusedException">
    /// The system refuses to write. No work is half-done; call again later.
    /// </exception>
    public bool Maintain(TimeSpan budget, CancellationToken cancellationToken = default)
    {
        var start = _time.GetTimestamp();
        do
        {
            if (!MaintainStep())
            {
                return false;
            }
        }
        while (!cancellationToken.IsCancellationRequested && _time.GetElapsedTime(start) < budget);

        return true;
    }

    /// <summary>Creates an empty overlay over a point, durably.</summary>
    /// <exception cref="ReplicaRefusedException">The point does not exist or is unusable, or the name is
    /// taken.</exception>
    public ReplicaOverlay CreateOverlay(string name, RecoveryPointId point)
    {
        using var change = BeginChange();
        return new ReplicaOverlay(_overlays.Create(name, point), Close);
    }

    /// <summary>Opens an existing overlay with every acknowledged write.</summary>
    /// <exception cref="ReplicaRefusedException">The overlay does not exist.</exception>
    /// <exception cref="ReplicaCorruptException">
    /// The overlay's log is damaged; delete the overlay and choose a point again.
    /// </exception>
    public ReplicaOverlay OpenOverlay(string name)
    {
        lock (_session)
        {
            EnsureOpen();
            return new ReplicaOverlay(_overlays.Opened(name), Close);
        }
    }

    /// <summary>Returns the point on which an overlay is based.</summary>
    /// <exception cref="ReplicaRefusedException">The overlay does not exist.</exception>
    public RecoveryPointId PointOfOverlay(string name)
    {
        lock (_session)
        {
            return _overlays.PointOf(name);
        }
    }

    /// <summary>Deletes an overlay and its data, durably; does nothing if it does not exist.</summary>
    public void DeleteOverlay(string name)
    {
        using var change = BeginChange();
        _overlays.Delete(name);
    }

    /// <summary>
    /// Makes a point plus the writes to its overlay the store's newest content, in a new generation, without copying:
    /// the overlay's layers become the store's. Newer points are dropped, and the overlay no longer exists (failback).
    /// </summary>
    /// <param name="name">The name of the overlay.</param>
    /// <param name="at">
    /// The position of the source's log at which its disks equal this content; changes after it can be applied. Null if
    /// there is none: the store is then at the start of the next generation and waits for a resync.
    /// </param>
    /// <exception cref="ReplicaRefusedException">A newer point is held or in use, or the position is not
    /// newer.</exception>
    public void AdoptOverlay(string name, ChangePosition? at = null)
    {
        using var change = BeginChange();
        _rewinder.Adopt(name, at);
    }

    /// <summary>Closes the files. Unsynced data is on storage, but may be lost in a power failure.</summary>
    public void Dispose()
    {
        lock (_session)
        {
            if (_disposed)
            {
                return;
            }

            _disposed = true;
            _maintenance.EndJobs();
            _overlays.Dispose();
            _content.Dispose();
        }
    }

    /// <summary>Closes the store and deletes everything in it.</summary>
    public void Delete()
    {
        Dispose();
        LayerStack.DeleteFiles(_content.Directory);
        _content.Directory.Sync();
    }

    private bool MaintainStep()
    {
        using var change = BeginChange();
        return _maintenance.Step();
    }

    private long SizeOf(int disk)
    {
        lock (_session)
        {
            return _content.SizeOf(disk);
        }
    }

    private void EndReading(RecoveryPointId id)
    {
        lock (_session)
        {
            _points.EndReading(id);
        }
    }

    private void Close(Overlay overlay)
    {
        lock (_session)
        {
            _overlays.Forget(overlay);
        }

        overlay.Dispose();
    }

    private void EnsureOpen() => ObjectDisposedException.ThrowIf(_disposed, this);

    /// <summary>Takes the session lock to change the store; disposing the scope releases it.</summary>
    private Lock.Scope BeginChange()
    {
        var session = _session.EnterScope();
        try
        {
            EnsureOpen();
            _guard.EnsureWritable();
            return session;
        }
        catch
        {
            session.Dispose();
            throw;
        }
    }

    private T Read<T>(Func<ReplicaStore, T> read)
    {
        lock (_session)
        {
            return read(this);
        }
    }
}
