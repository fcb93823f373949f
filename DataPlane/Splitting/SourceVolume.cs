using System.Buffers;
using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The splitter of one VM: serves its disks to the guest, gives every change a number, writes it to the replication log
/// and to the source's disk, and is the sending end of replication. The guest never waits for the target (REP-3). Safe
/// for many threads; one sending session at a time.
/// </summary>
/// <remarks>
/// <para><b>A write</b>: (1) its extents are Active, durably; (2) under the order lock it gets its numbers, is appended
/// to the log in one write, and enters the list of changes in progress; (3) it goes to the disk once no earlier
/// overlapping change is in progress; (4) it leaves the list and is acknowledged. So a write that was acknowledged
/// before another was submitted has the smaller number (I1), the log holds every acknowledged write (I2), and disk and
/// log agree on the last writer of each byte.</para>
/// <para><b>FLUSH and FUA</b> sync the disk (I3). The log needs no sync: the records that a power failure loses are in
/// Active extents. The first failed sync poisons the disk: FLUSH fails with EIO until the volume is opened again (I28),
/// and then the log of the present generation, if it is trusted, is applied again before the disk is trusted.</para>
/// <para><b>Differences from the replica</b> are at all times inside Active ∪ Dirty (I13). Active: set and synced
/// before the first write; cleared when the replica acknowledged the extent's last change <i>and</i> the disk was
/// synced after that change finished; the acknowledged position (the floor) is stored before the mark is cleared.
/// Dirty: changes that the log does not hold; set and synced before the write in dirty-map mode; cleared when the
/// replica durably holds a copy made under the present generation. Every new Dirty mark starts a new generation, whose
/// start record makes the replica resync, so that no recovery point is made of a partial copy (I12), and earlier copies
/// no longer clear anything (I11).</para>
/// <para><b>Parts</b>, each with its own state: <see cref="GuestWrites"/> runs a write through the four steps;
/// <see cref="WriteAdmission"/> decides whether it may run (fence, quiesce); <see cref="WriteCapture"/> records it in
/// the log or the dirty map; <see cref="ReplicationBacklog"/> is the log between the replica's acknowledgement and the
/// newest change; <see cref="VolumeGenerations"/> starts generations; <see cref="ReplicaFeed"/> is the stream for the
/// replica; <see cref="MapSettling"/> and <see cref="AcknowledgedFloor"/> remove marks; <see cref="DiskFlushes"/> and
/// <see cref="DiskObservations"/> sync and observe the disks. <see cref="SourceVolumeOpening"/> describes an
/// opening.</para>
/// <para><b>Locks</b>, outer to inner: the generation lock (<see cref="VolumeGenerations.Gate"/>: changes of
/// generation, attach, maintenance, resize, close), a map's gate, the order lock (<see cref="WriteOrder.Gate"/>), the
/// locks of log, state file, heartbeat file and flush trackers. The guest's writes take the order lock only, and a
/// map's gate for the first write into an extent. The documentation of each part names the lock that guards its
/// fields.</para>
/// <para>The volume has no thread: the owner calls <see cref="Maintain"/> about once a second.</para>
/// </remarks>
public sealed class SourceVolume : IChangeSource, IDisposable
{
    private readonly SourceVolumeOptions _options;
    private readonly VolumeStateFile _state;
    private readonly HeartbeatFile _heartbeat;
    private readonly WriteOrder _order;
    private readonly VolumeDisk[] _disks;
    private readonly SplitDisk[] _exports;
    private readonly VolumeSignals _signals;
    private readonly WriteAdmission _admission;
    private readonly ReplicationBacklog _backlog;
    private readonly WriteCapture _capture;
    private readonly VolumeGenerations _generations;
    private readonly DiskFlushes _flushes;
    private readonly DiskObservations _observations;
    private readonly AcknowledgedFloor _floor;
    private readonly MapSettling _settling;
    private readonly ReplicaFeed _feed;

    internal SourceVolume(SourceVolumeOptions options, SourceVolumeParts parts)
    {
        (_options, _state, _heartbeat, _order) = (options, parts.State, parts.Heartbeat, parts.Order);
        var state = _state.Current;
        _disks = [.. options.Disks.Select((d, i) => new VolumeDisk(d, i, parts.Maps[i], state.Disks[i].SizeBytes))];
        _signals = new VolumeSignals(options, _order, state);
        _admission = new WriteAdmission(options, _state, _order, _signals);
        _backlog = new ReplicationBacklog(options, parts, _disks);
        _capture = new WriteCapture(options, _state, _order, _backlog, _admission, _signals);
        _generations = new VolumeGenerations(parts, _disks, _capture, _backlog, _signals);
        _flushes = new DiskFlushes(_state, _admission, _signals);
        _observations = new DiskObservations(options.Time, parts, _disks, _admission, _generations);
        _floor = new AcknowledgedFloor(options.Time, _state, _order, _disks, _backlog);
        _settling = new MapSettling(options, _disks, _generations, _flushes, _observations, _floor);
        _feed = new ReplicaFeed(
            new SharedHistory(_state, parts.Log), _state, _disks, _order, _backlog, _generations);
        var writes = new GuestWrites(_order, _capture, _generations, _flushes, _observations, _signals);
        _exports = [.. _disks.Select(disk => new SplitDisk(disk, writes, _flushes))];
    }

    /// <summary>
    /// The condition of the volume; <see cref="SourceVolumeOptions.ConditionChanged"/> reports changes.
    /// </summary>
    public SourceCondition Condition => _signals.Condition;

    /// <inheritdoc/>
    public IReadOnlyList<DiskSpec> Disks => [.. _disks.Select(disk => new DiskSpec(disk.Path, disk.Size))];

    /// <inheritdoc/>
    public Term Term => _admission.Term;

    /// <inheritdoc/>
    public SourceHistory History => _feed.History;

    /// <inheritdoc/>
    public bool IsResyncHeld => _feed.IsResyncHeld;

    /// <inheritdoc/>
    public ChangePosition Tail
    {
        get
        {
            lock (_order.Gate)
            {
                return _backlog.Tail;
            }
        }
    }

    /// <summary>
    /// Opens the volume in its directory; if there is none, creates it, all dirty. <see cref="SourceVolumeOpening"/>
    /// describes the steps after a crash.
    /// </summary>
    /// <exception cref="SourceVolumeException">
    /// The volume cannot be opened: it belongs to another VM, its disks do not fit, its state is damaged, or a source
    /// disk fails the redo.
    /// </exception>
    /// <exception cref="StorageException">The directory cannot be read or written.</exception>
    public static SourceVolume Open(SourceVolumeOptions options) => SourceVolumeOpening.Open(options);

    /// <summary>
    /// Returns a disk as the guest sees it. It is valid as long as the volume; disposing it does nothing.
    /// </summary>
    public IBlockDevice Disk(int index) => _exports[index];

    /// <summary>Returns the progress of replication.</summary>
    public SourceCounters Counters()
    {
        ChangePosition acknowledged;
        ChangePosition tail;
        long captured;
        TimeSpan? age;
        var disks = new SourceDiskCounters[_disks.Length];
        lock (_order.Gate)
        {
            (acknowledged, tail, captured, age) =
                (_backlog.Acknowledged, _backlog.Tail, _order.Numbered, _backlog.Age);
            foreach (var disk in _disks)
            {
                disks[disk.Index] = new SourceDiskCounters(
                    disk.Size, disk.BytesOf(ExtentMark.Active), disk.BytesOf(ExtentMark.Dirty),
                    _backlog.Log.BytesAfter(acknowledged, disk.Index));
            }
        }

        return new SourceCounters(
            _capture.Mode, tail, acknowledged, disks.Sum(d => d.LagBytes),
            acknowledged.CompareTo(tail) < 0 && _backlog.Log.TimeAfter(acknowledged) is { } oldest
                ? age ?? AgeByRecord(oldest) : null,
            _backlog.Log.RetainedBytes, captured, disks);
    }

    /// <summary>
    /// Returns the extents that may differ from the replica, dirty or active, which a fenced source reports (I16).
    /// </summary>
    public IReadOnlyList<DirtyExtent> UncertainExtents()
    {
        var result = new List<DirtyExtent>();
        lock (_order.Gate)
        {
            foreach (var disk in _disks)
            {
                var (dirty, active) = (disk.Map[ExtentMark.Dirty].SetBits(), disk.Map[ExtentMark.Active].SetBits());
                result.AddRange(dirty.Union(active).Order().Select(extent => disk.Extent(extent, version: 0)));
            }
        }

        return result;
    }

    /// <inheritdoc/>
    public long BytesAfter(ChangePosition position) => _backlog.Log.BytesAfter(position);

    /// <summary>
    /// Returns the bytes of the guest's writes in the log behind a position; zero if nothing was written since.
    /// </summary>
    /// <exception cref="ReplicationLogCorruptException">The log is damaged there.</exception>
    public long WrittenAfter(ChangePosition position) => _backlog.Log.WrittenAfter(position);

    /// <inheritdoc/>
    public ChangePosition Attach(ReplicaPosition replica) => _feed.Attach(replica);

    /// <inheritdoc/>
    public int ReadLog(ref ChangePosition after, ArrayBufferWriter<byte> target, int maxBytes) =>
        _feed.ReadLog(ref after, target, maxBytes);

    /// <inheritdoc/>
    public async ValueTask WaitForWorkAsync(ChangePosition after, CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            ObjectDisposedException.ThrowIf(_admission.IsClosed, this);
            var work = _signals.NextWork();
            if (_feed.HasWork(after))
            {
                return;
            }

            await work.WaitAsync(cancellationToken);
        }
    }

    /// <inheritdoc/>
    public void WaitForCompletion(Lsn lsn)
    {
        lock (_order.Gate)
        {
            _order.WaitForCompletion(new Lsn(Math.Min(lsn.Value, _order.Newest.Value)));
        }
    }

    /// <inheritdoc/>
    public void Acknowledge(ChangePosition durable) => _backlog.Acknowledge(durable);

    /// <inheritdoc/>
    public void ReadDisk(int disk, long offset, Span<byte> destination) =>
        _disks[disk].Device.Read(offset, destination);

    /// <inheritdoc/>
    public AllocatedRun NextRun(int disk, long offset, long length) => _disks[disk].Device.NextRun(offset, length);

    /// <inheritdoc/>
    public IReadOnlyList<DirtyExtent> DirtyExtents() => _feed.DirtyExtents();

    /// <inheritdoc/>
    public void ClearDirty(DirtyExtent extent) => _feed.ClearDirty(extent);

    /// <summary>
    /// Inserts a recovery point's marker behind all changes accepted so far. Every write that was acknowledged before
    /// the call precedes it (I1).
    /// </summary>
    /// <param name="point">The identifier of the point.</param>
    /// <param name="consistency">The consistency of the point.</param>
    /// <param name="time">
    /// The time that the point shows, by the clock of the requester; null means this machine's clock now. It must not
    /// be later than the call, or the point would promise writes that it lacks (I21).
    /// </param>
    public MarkerOutcome InsertMarker(
        RecoveryPointId point, PointKind consistency, DateTimeOffset? time = null) =>
        _capture.InsertMarker(new PointMarker(point, consistency), time);

    /// <summary>
    /// Makes the replica resync every disk completely (RES-6), and keeps the part of the log that is not sent yet.
    /// </summary>
    /// <exception cref="StorageException">
    /// The maps or the state could not be written. A repeated call continues.
    /// </exception>
    public void MarkAllDirty(DirtyCause cause) => _generations.Begin(new GenerationChange(cause, ResyncScope.All));

    /// <summary>
    /// Refuses further writes (ESHUTDOWN), waits for those in progress, syncs the disks and returns the newest logged
    /// change. In dirty-map mode, or with dirty extents, the log alone does not bring the replica to that change: see
    /// <see cref="Counters"/>. Not durable: a volume that must remain quiet over a restart is fenced.
    /// </summary>
    /// <exception cref="BlockDeviceException">A disk failed to sync; the volume remains quiet.</exception>
    public ChangePosition Quiesce()
    {
        _admission.Quiesce();
        foreach (var disk in _disks)
        {
            _flushes.Flush(disk);
        }

        return Tail;
    }

    /// <summary>Accepts writes again after <see cref="Quiesce"/>.</summary>
    public void Resume() => _admission.Resume();

    /// <summary>
    /// Refuses writes with EPERM from now on, also after a restart (FOV-8, I15, I16). Log and maps are kept, so that
    /// the tail that was not replicated can be reported. On return no write is in progress and the fence is durable.
    /// </summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void Fence(Term term) => _admission.Fence(term);

    /// <summary>Accepts writes again, under a term.</summary>
    /// <param name="term">The new term; not smaller than the volume's.</param>
    /// <param name="disksUnchanged">
    /// Whether the disks were not written while they were fenced. Otherwise (failback wrote them) the log is dropped
    /// and all blocks must be compared.
    /// </param>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void Unfence(Term term, bool disksUnchanged)
    {
        _admission.CheckTerm(term);
        if (!disksUnchanged)
        {
            _generations.Begin(new GenerationChange(DirtyCause.FailedBack, ResyncScope.All) { GivesUpLog = true });
        }

        _admission.Unfence(term);
    }

    /// <summary>Continues under a higher term, durably; for example after a cancelled failover.</summary>
    /// <exception cref="SourceVolumeException">The term is smaller than the volume's.</exception>
    public void SetTerm(Term term) => _admission.SetTerm(term);

    /// <summary>
    /// Takes up a grown disk (RES-3). The given device replaces the old one, which the caller disposes with the volume.
    /// The new part is dirty, so it is resynchronised under a new generation.
    /// </summary>
    /// <exception cref="SourceVolumeException">The device is smaller than the disk.</exception>
    /// <exception cref="BlockDeviceException">The disk failed to sync.</exception>
    /// <exception cref="StorageException">The map could not be grown; the disk is as before.</exception>
    public void Resize(int disk, IBlockDevice device)
    {
        var resized = _disks[disk];
        var (before, size) = (resized.Size, device.Length);
        if (size < before)
        {
            throw new SourceVolumeException(
                SourceVolumeError.ShrinkRefused,
                $"'{resized.Path}' would shrink from {before} to {size} bytes; it may only grow");
        }

        lock (_generations.Gate)
        {
            resized.Map.Grow(size);
            lock (_order.Gate)
            {
                _order.WaitForCompletion(_order.Newest);
                _flushes.Flush(resized);
                _state.Update(s => s with { Disks = s.Disks.SetItem(disk, s.Disks[disk] with { SizeBytes = size }) });
                resized.Replace(device, size);
            }

            if (size > before)
            {
                var added = ResyncScope.From(disk, (int)(before / DirtyExtent.Size));
                _generations.Begin(new GenerationChange(DirtyCause.Resized, added));
            }
        }
    }

    /// <summary>
    /// Clears and lowers map marks that are no longer needed, leaves dirty-map mode when the log has room again, and
    /// starts a generation that a failed write requested. Cheap if there is nothing to do; call it about once a second.
    /// </summary>
    /// <exception cref="StorageException">
    /// The maps or the state could not be written. A repeated call continues.
    /// </exception>
    public void Maintain()
    {
        lock (_generations.Gate)
        {
            if (_admission.IsClosed)
            {
                return;
            }

            _generations.BeginPending();
            _backlog.Free();
            _floor.ClearQuietExtents();
            _settling.Advance();
            _floor.RaiseWhenDue();
            _observations.Beat();
        }

        _signals.PublishCondition();
        _signals.SignalWork();
    }

    /// <summary>
    /// Closes the volume with a clean shutdown: later writes fail with ESHUTDOWN, those in progress finish, disks and
    /// log become durable, and the next opening has nothing to do. If any step fails, the next opening treats the
    /// shutdown as a crash.
    /// </summary>
    public void Close()
    {
        if (_admission.IsClosed)
        {
            throw _admission.ClosedError();
        }

        try
        {
            lock (_generations.Gate)
            {
                _settling.ProposeAll();
                Quiesce();
                _settling.LowerAll();
                _backlog.Log.Sync();
                _state.Update(s => s with
                {
                    Clean = true,
                    Newest = _order.Newest,
                    Completed = _order.Newest,
                    Disks = [.. s.Disks.Select((d, i) => d with { Seen = _disks[i].Look() })],
                });
            }
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>
    /// Closes all files immediately, without syncing, as a crash of the process would; <see cref="Close"/> is the clean
    /// shutdown.
    /// </summary>
    public void Dispose()
    {
        if (_admission.IsClosed)
        {
            return;
        }

        _admission.Close();
        _signals.SignalWork();
        _backlog.Log.Dispose();
        foreach (var disk in _disks)
        {
            disk.Map.Dispose();
        }

        _state.Dispose();
        _heartbeat.Dispose();
    }

    /// <summary>Starts the generation that an opening needs.</summary>
    internal void Begin(GenerationChange change) => _generations.Begin(change);

    /// <summary>Returns the age of a change that was logged before the volume was opened, by the wall clock.</summary>
    private TimeSpan AgeByRecord(DateTimeOffset written)
    {
        var age = _options.Time.GetUtcNow() - written;
        return age > TimeSpan.Zero ? age : TimeSpan.Zero;
    }
}

/// <summary>The parts that an opening passes to a volume.</summary>
internal sealed record SourceVolumeParts(
    VolumeStateFile State, ChangeMap[] Maps, ChangeLog Log, WriteOrder Order, ChangePosition Tail,
    ChangePosition GenerationStart, HeartbeatFile Heartbeat);
