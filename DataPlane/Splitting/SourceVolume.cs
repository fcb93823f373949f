using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.ReplicationLog;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The splitter of one VM: serves its disks to the guest, gives every change a number, writes it to the replication log
/// and to the source's disk, and is the sending end of replication. The guest never waits for the target (REP-3). Safe
/// for many threads; one sending session at a time.
/// </summary>
/// <remarks>
/// <para><b>A write</b>: (1) its extents are Active, durably; (2) under the order lock it gets its numbers, goes to the
/// log in one append, and enters the list of changes under way; (3) it goes to the disk once no earlier overlapping
/// change is under way; (4) it leaves the list and is answered. So a write that was answered before another was
/// submitted has the smaller number (I1), the log holds every answered write (I2), and disk and log agree on who wrote
/// a byte last.</para>
/// <para><b>FLUSH and FUA</b> sync the disk (I3). The log needs no sync: what a power cut takes from it lies in Active
/// extents. The first failed sync poisons the disk: FLUSH answers EIO until the volume is opened again (I28), and then
/// the whole log is applied once more before the disk is trusted.</para>
/// <para><b>What may differ from the replica</b> is at all times inside Active ∪ Dirty (I13). Active: set and synced
/// before the first write; cleared when the replica acknowledged the extent's last change <i>and</i> the disk was
/// synced after it finished, the acknowledged place being stored first (the floor). Dirty: what the log does not carry;
/// set and synced before the write in dirty-map mode; cleared when the replica durably holds a copy made under the
/// present generation. Every new Dirty mark brings a new generation, whose start record makes the replica resync, so
/// that no recovery point is made of half a copy (I12), and copies handed out before it no longer clear anything
/// (I11).</para>
/// <para><b>Opening</b> is told in <see cref="SourceVolumeOpening"/>; <b>dirty-map mode</b> in
/// SourceVolume.Generations.cs.</para>
/// <para><b>Locks</b>, outer to inner: <c>_restart</c> (changes of generation, attach, maintenance), a map's gate, the
/// order lock, the locks of log and state file. The guest's writes take the order lock only, and a map's gate for
/// the first write into an extent.</para>
/// <para>There is no thread in here: the owner calls <see cref="Maintain"/> about once a second.</para>
/// </remarks>
public sealed partial class SourceVolume : IChangeSource, IDisposable
{
    private readonly SourceVolumeOptions _options;
    private readonly VolumeStateFile _state;
    private readonly ChangeMap[] _maps;
    private readonly ChangeLog _log;
    private readonly WriteOrder _order;
    private readonly Func<Lsn> _newest;
    private readonly Lock _restart = new();
    private readonly SplitDisk[] _disks;
    private readonly long[] _sizes;
    private readonly IBlockDevice[] _devices;
    private readonly long[] _backlog;
    private readonly RecordBatch _control = new();
    private readonly ChangeAges _ages;
    private readonly HeartbeatFile _heartbeat;
    private volatile CaptureMode _mode;
    private volatile bool _closed;
    private bool _fenced;
    private bool _quiesced;
    private bool _broken;
    private ChangePosition _tail;
    private long _captured;

    internal SourceVolume(SourceVolumeOptions options, SourceVolumeParts parts)
    {
        _options = options;
        _state = parts.State;
        _maps = parts.Maps;
        _log = parts.Log;
        _order = parts.Order;
        _heartbeat = parts.Heartbeat;
        _newest = () => _order.Newest;
        _tail = parts.Tail;
        _ages = new ChangeAges(options.Time);
        _generationStart = parts.GenerationStart;
        var state = _state.Current;
        _mode = state.Mode;
        _fenced = state.Fenced;
        _acknowledged = state.AcknowledgedFloor;
        _devices = [.. options.Disks.Select(d => d.Device)];
        _sizes = [.. state.Disks.Select(d => d.SizeBytes)];
        _disks = [.. options.Disks.Select((_, i) => new SplitDisk(this, i))];
        _backlog = [.. _disks.Select((_, i) => _log.BytesAfter(_acknowledged, i))];
        _flushes = [.. _disks.Select(_ => new FlushTracker())];
        _settling = new Settling?[_disks.Length];
        _timesKept = new long[_disks.Length];
        _entered = new long[_disks.Length];
        _looksWhenQuiet = options.Disks.Count <= MostLookedAt
            && options.Disks.All(d => d is { TimesAreItsOwn: true, Look: not null });
        _looks = [.. options.Disks.Select(d => d.Look?.Invoke() is { } seen ? new QuietLook(0, seen) : null)];
        _settled = _heartbeat.Newest is { } beat ? [.. beat.Settled] : new long[_disks.Length];
        _condition = new SourceCondition(
            _mode, state.Cause, string.Empty, SyncFailed: false, state.Fenced, options.Time.GetUtcNow());
        _announced = _condition;
    }

    /// <inheritdoc/>
    public IReadOnlyList<DiskSpec> Disks =>
        [.. _options.Disks.Select((d, i) => new DiskSpec(d.Path, Volatile.Read(ref _sizes[i])))];

    /// <inheritdoc/>
    public Term Term => _state.Current.Term;

    /// <inheritdoc/>
    public SourceHistory History
    {
        get
        {
            var state = _state.Current;
            return new SourceHistory(
                state.Incarnation, new MarkedPosition(state.AcknowledgedFloor, state.FloorMark));
        }
    }

    /// <inheritdoc/>
    public ChangePosition Tail
    {
        get
        {
            lock (_order.Gate)
            {
                return _tail;
            }
        }
    }

    /// <summary>
    /// Opens the volume in its directory, or makes it there when there is none, all of it dirty. See
    /// <see cref="SourceVolumeOpening"/> for what is done after a crash.
    /// </summary>
    /// <exception cref="SourceVolumeException">It cannot be opened: another VM's, disks that do not fit, damaged state,
    /// or a source disk that refuses the redo.</exception>
    /// <exception cref="Storage.StorageException">The directory cannot be read or written.</exception>
    public static SourceVolume Open(SourceVolumeOptions options) => SourceVolumeOpening.Open(options);

    /// <summary>A disk as the guest sees it. It lives as long as the volume; disposing it does nothing.</summary>
    public IBlockDevice Disk(int index) => _disks[index];

    /// <summary>Where replication stands.</summary>
    public SourceCounters Counters()
    {
        ChangePosition acknowledged;
        ChangePosition tail;
        long captured;
        TimeSpan? age;
        var disks = new SourceDiskCounters[_disks.Length];
        lock (_order.Gate)
        {
            (acknowledged, tail, captured) = (_acknowledged, _tail, _captured);
            age = _ages.OldestBehind(acknowledged);
            for (var i = 0; i < disks.Length; i++)
            {
                disks[i] = new SourceDiskCounters(
                    _sizes[i], BytesOf(i, ExtentMark.Active), BytesOf(i, ExtentMark.Dirty),
                    _log.BytesAfter(acknowledged, i));
            }
        }

        return new SourceCounters(
            _mode, tail, acknowledged, disks.Sum(d => d.LagBytes),
            acknowledged.CompareTo(tail) < 0 && _log.TimeAfter(acknowledged) is { } oldest
                ? age ?? AgeByRecord(oldest) : null,
            _log.RetainedBytes,
            captured, disks);
    }

    /// <summary>What was logged before the volume was opened knows its age by the wall clock only.</summary>
    private TimeSpan AgeByRecord(DateTimeOffset written)
    {
        var age = _options.Time.GetUtcNow() - written;
        return age > TimeSpan.Zero ? age : TimeSpan.Zero;
    }

    /// <summary>
    /// Closes the volume clean: later writes answer ESHUTDOWN, those under way finish, disks and log become durable,
    /// and the next opening has nothing to do. When anything of that fails, the next opening treats it as a crash.
    /// </summary>
    public void Close()
    {
        if (_closed)
        {
            throw Closed();
        }

        try
        {
            lock (_restart)
            {
                var settling = _maps.Select((_, i) => Propose(i)).ToArray();
                Quiesce();
                for (var i = 0; i < settling.Length; i++)
                {
                    if (settling[i] is { } lowerable)
                    {
                        Lower(i, lowerable);
                    }

                    _maps[i].Sync();
                }

                _log.Sync();
                _state.Update(s => s with
                {
                    Clean = true,
                    Newest = _order.Newest,
                    Completed = _order.Newest,
                    Disks = [.. s.Disks.Select((d, i) => d with { Seen = _options.Disks[i].Look?.Invoke() })],
                });
            }
        }
        finally
        {
            Dispose();
        }
    }

    /// <summary>
    /// Lets go of all files at once, as a crash of the process would; <see cref="Close"/> is the clean way.
    /// </summary>
    public void Dispose()
    {
        if (_closed)
        {
            return;
        }

        _closed = true;
        SignalWork();
        _log.Dispose();
        foreach (var map in _maps)
        {
            map.Dispose();
        }

        _state.Dispose();
        _heartbeat.Dispose();
    }

    internal long SizeOf(int disk) => Volatile.Read(ref _sizes[disk]);

    internal IBlockDevice DeviceOf(int disk) => Volatile.Read(ref _devices[disk]);

    private long BytesOf(int disk, ExtentMark mark)
    {
        var bits = _maps[disk][mark];
        var bytes = (long)bits.Population * DirtyExtent.Size;
        var rest = _sizes[disk] % DirtyExtent.Size;
        return rest != 0 && bits.Count > 0 && bits[bits.Count - 1] ? bytes - DirtyExtent.Size + rest : bytes;
    }
}

/// <summary>What an opening hands to a volume.</summary>
internal sealed record SourceVolumeParts(
    VolumeStateFile State, ChangeMap[] Maps, ChangeLog Log, WriteOrder Order, ChangePosition Tail,
    ChangePosition GenerationStart, HeartbeatFile Heartbeat);
