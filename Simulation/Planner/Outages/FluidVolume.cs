// The data plane as a fluid: bytes flow at rates that are constant between events. One volume models one direction of
// replication of one machine.
//
//   written ──► logged ──► shipped           while the log takes writes
//   written ──► marked                       in dirty-map mode: only which extents changed is known
//   marked  ──► compared ──► copied          once there is room again; logging resumes meanwhile
//
// The rules are the product's:
// - The dirty map takes over when the log reaches its limit or half of the disks' size (RES-4).
// - The log takes writes again when at most half of that is left in it.
// - A resync reads the marked extents of 4 MiB and sends only the blocks of 64 KiB that differ.
// - The replica equals a moment of the source again when everything has arrived that was logged up to the end of the
//   copying.
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Models one direction of a machine's replication: its log, its dirty map and its resyncs.</summary>
/// <param name="logLimit">The limit of the log in bytes.</param>
/// <param name="diskBytes">The total size of the machine's disks in bytes.</param>
/// <param name="compareRate">The rate at which the disks are read and hashed, in bytes per second.</param>
internal sealed class FluidVolume(double logLimit, double diskBytes, double compareRate)
{
    private const double Nothing = 64;
    private const double MostOnItsWay = 2;

    private readonly WriteHistory _history = new();
    private TimeSpan _at;
    private double _marked;
    private double _catchUpTo;
    private double _begunAt;
    private double _comparePerCopy;

    /// <summary>
    /// The maximum backlog of the log in bytes: the log's limit or half of the disks' size, whichever is smaller.
    /// </summary>
    public double Capacity => Math.Min(logLimit, diskBytes / 2);

    /// <summary>The distribution of the writes over the disks: the working set and the size of a write.</summary>
    public WriteSpread Spread { get; set; }

    /// <summary>
    /// The rate at which the machine writes, in bytes per second; 0 while it does not run on this side.
    /// </summary>
    public double Churn { get; private set; }

    /// <summary>The number of bytes ever written.</summary>
    public double Written { get; private set; }

    /// <summary>The number of bytes that were ever logged.</summary>
    public double Logged { get; private set; }

    /// <summary>The number of logged bytes that the replica has.</summary>
    public double Shipped { get; private set; }

    /// <summary>The number of bytes ever sent, from the log and by copying, before compression.</summary>
    public double Sent { get; private set; }

    /// <summary>The number of bytes in blocks that are still to be copied.</summary>
    public double CopyLeft { get; private set; }

    /// <summary>The number of bytes in extents that are still to be read and compared.</summary>
    public double CompareLeft { get; private set; }

    /// <summary>The number of bytes that resyncs have copied so far.</summary>
    public double Copied { get; private set; }

    /// <summary>The number of bytes that resyncs have read so far.</summary>
    public double Compared { get; private set; }

    /// <summary>Whether the log takes writes; otherwise only the changed extents are known.</summary>
    public bool Logging { get; private set; } = true;

    /// <summary>Whether changes are only tracked, because the other side does not receive them yet.</summary>
    public bool Tracking { get; private set; }

    /// <summary>
    /// Whether the file system of the log is full, so that the log has no room whatever its limit is.
    /// </summary>
    public bool NoRoom { get; private set; }

    /// <summary>Whether the replica equals no moment of the source, because a copy is not complete.</summary>
    public bool ReplicaResyncing { get; private set; }

    /// <summary>The reason for which extents were marked most recently.</summary>
    public ResyncReason Cause { get; private set; } = ResyncReason.DirtyMap;

    /// <summary>
    /// The number of the baseline, from 1. It increases with every copy, because the log does not carry every change
    /// then.
    /// </summary>
    public long Generation { get; private set; } = 1;

    /// <summary>The virtual time of the last write.</summary>
    public TimeSpan LastWrite { get; private set; }

    /// <summary>The part of the link's rate that the log gets, in bytes per second before compression.</summary>
    public double LogRate { get; private set; }

    /// <summary>The part of the link's rate that copying gets, in bytes per second before compression.</summary>
    public double CopyRate { get; private set; }

    /// <summary>The number of logged bytes that the replica does not have yet.</summary>
    public double Backlog => Logged - Shipped;

    /// <summary>Whether extents are marked, or still to be compared or copied.</summary>
    public bool Dirty => _marked > 0 || Copying;

    /// <summary>Whether extents are still to be compared or blocks still to be copied.</summary>
    public bool Copying => CopyLeft > 0 || CompareLeft > 0;

    /// <summary>Whether the replica is in sync: the log holds every change that the replica lacks.</summary>
    public bool InSync => Logging && !Dirty && !ReplicaResyncing;

    /// <summary>Whether nothing is left to be sent.</summary>
    public bool CaughtUp => !Dirty && Backlog <= Nothing;

    /// <summary>Advances the volume to a virtual time, at the current rates.</summary>
    public void Advance(TimeSpan now)
    {
        var seconds = (now - _at).TotalSeconds;
        if (seconds <= 0)
        {
            return;
        }

        var written = Churn * seconds;
        Written += written;
        LastWrite = written > 0 ? now : LastWrite;
        if (Logging)
        {
            Logged += written;
        }
        else
        {
            _marked += written;
        }

        var shipped = Math.Min(LogRate * seconds, Backlog);
        Shipped += shipped;
        var copied = Math.Min(CopyRate * seconds, CopyLeft);
        CopyLeft -= copied;
        Copied += copied;
        var compared = Copying && (CopyRate > 0 || CopyLeft <= 0) ? ComparedIn(seconds, copied) : 0;
        CompareLeft -= compared;
        Compared += compared;
        Sent += shipped + copied;
        _at = now;
        Settle();
    }

    /// <summary>Breaks the connection. Bytes that are on their way are sent again over the next connection.</summary>
    public void Cut(TimeSpan onItsWay, TimeSpan now)
    {
        Advance(now);
        var back = LogRate * Math.Min(onItsWay.TotalSeconds, MostOnItsWay);
        Shipped = Math.Max(Shipped - back, Math.Max(0, _begunAt));
        (LogRate, CopyRate) = (0, 0);
    }

    /// <summary>Sets the rate at which the machine writes from now on.</summary>
    public void Write(double churn, TimeSpan now)
    {
        Advance(now);
        Churn = churn;
        Note();
    }

    /// <summary>
    /// Returns the rate at which the volume would send if the link had no limit, in bytes per second; infinite while
    /// bytes are waiting.
    /// </summary>
    public double Wish() => Backlog > Nothing || CopyLeft > 0 ? double.PositiveInfinity : Logging ? Churn : 0;

    /// <summary>
    /// Sets the rate that the link gives, in bytes per second. While the log and copying both have work, each gets
    /// half, because records and blocks take turns in the stream; the log gets more when comparing limits the copying.
    /// </summary>
    public void Give(double rate, TimeSpan now)
    {
        Advance(now);
        var copyMost = CopyLeft <= 0 ? 0
            : _comparePerCopy > 0 ? compareRate / _comparePerCopy : double.PositiveInfinity;
        var log = Backlog > Nothing ? rate : Math.Min(Logging ? Churn : 0, rate);
        CopyRate = Math.Min(copyMost, Math.Max(rate - log, rate / 2));
        LogRate = Math.Min(log, rate - CopyRate);
        if (CopyRate > 0 && Backlog > Nothing)
        {
            LogRate = rate - CopyRate;
        }
    }

    /// <summary>Returns the number of seconds until a state changes on its own; null when none does.</summary>
    /// <param name="nextMark">The awaited position in the log, in logged bytes; null for none.</param>
    public double? NextChange(double? nextMark)
    {
        var next = double.PositiveInfinity;
        var growth = (Logging ? Churn : 0) - LogRate;
        if (Logging && growth > 0)
        {
            next = Math.Min(next, (Capacity - Backlog) / growth);
        }

        if (growth < 0 && Backlog > Nothing)
        {
            next = Math.Min(next, Backlog / -growth);
        }

        if (!Logging && !Tracking && !NoRoom && LogRate > 0)
        {
            next = Math.Min(next, (Backlog - (Capacity / 2)) / LogRate);
        }

        next = LogRate > 0 && nextMark is { } mark ? Math.Min(next, (mark - Shipped) / LogRate) : next;
        next = CopyRate > 0 ? Math.Min(next, CopyLeft / CopyRate) : next;
        next = CopyLeft <= 0 && CompareLeft > 0 ? Math.Min(next, CompareLeft / compareRate) : next;
        next = ReplicaResyncing && !Dirty && LogRate > 0 ? Math.Min(next, (_catchUpTo - Shipped) / LogRate) : next;
        return double.IsPositiveInfinity(next) ? null : Math.Max(next, 0.001);
    }

    /// <summary>
    /// Returns the moment of the source up to which the replica has every write. The replica equals that moment, unless
    /// <see cref="ReplicaResyncing"/> is true.
    /// </summary>
    public Knot Replica() => _history.Find(Shipped, new Knot(_at, Logged, Written));

    /// <summary>
    /// Starts to compare <paramref name="compare"/> bytes of extents and to copy <paramref name="copy"/> bytes of
    /// blocks that differ, in addition to those that are left. Begins a new generation.
    /// </summary>
    public void StartCopy(double compare, double copy, ResyncReason cause)
    {
        Cause = cause;
        CompareLeft += compare;
        CopyLeft += copy;
        _comparePerCopy = CopyLeft > 0 ? CompareLeft / CopyLeft : 0;
        BeginGeneration();
    }

    /// <summary>
    /// Starts a resync of what writes of <paramref name="written"/> bytes touched, because it may differ after a crash
    /// of the machine.
    /// </summary>
    public void Doubt(double written, ResyncReason cause)
    {
        Advance(_at);
        StartCopy(Spread.ExtentsOf(written), Spread.BlocksOf(written), cause);
    }

    /// <summary>Tracks changes from now on, and does nothing else with them.</summary>
    public void Track(TimeSpan now)
    {
        Advance(now);
        (Tracking, Logging, LogRate, CopyRate) = (true, false, 0, 0);
        (CopyLeft, CompareLeft, Shipped) = (0, 0, Logged);
        Note();
    }

    /// <summary>
    /// Ends the tracking and starts to copy the tracked changes, together with the bytes that the other side has to
    /// give up.
    /// </summary>
    public void EndTracking(double alsoDiffers, TimeSpan now)
    {
        Advance(now);
        Tracking = false;
        _marked += alsoDiffers;
        LeaveDirtyMap();
    }

    /// <summary>Sets whether the file system of the log is full. While it is full, changes are only marked.</summary>
    public void SetNoRoom(bool full, TimeSpan now)
    {
        Advance(now);
        NoRoom = full;
        if (full && Logging)
        {
            EnterDirtyMap(ResyncReason.DirtyMap);
        }

        Settle();
    }

    /// <summary>Resets the volume for an empty replica: no change waits in the log, and no extent is marked.</summary>
    public void Reset(TimeSpan now)
    {
        Advance(now);
        (Shipped, _marked, CopyLeft, CompareLeft, _catchUpTo) = (Logged, 0, 0, 0, 0);
        (Logging, Tracking, ReplicaResyncing) = (true, false, false);
        Note();
    }

    private double ComparedIn(double seconds, double copied) => CopyLeft <= 0
        ? Math.Min(CompareLeft, copied > 0 ? CompareLeft : compareRate * seconds)
        : Math.Min(CompareLeft, copied * _comparePerCopy);

    private void Settle()
    {
        (CopyLeft, CompareLeft) = (CopyLeft < 1 ? 0 : CopyLeft, CompareLeft < 1 ? 0 : CompareLeft);
        if (Logging && Backlog > Nothing && Backlog >= Capacity * (1 - 1e-9))
        {
            EnterDirtyMap(logLimit < diskBytes / 2 ? ResyncReason.DirtyMap : ResyncReason.LogHalfOfDisk);
        }
        else if (!Logging && !Tracking && !NoRoom && Backlog <= (Capacity / 2) + Nothing)
        {
            LeaveDirtyMap();
        }

        if (!Dirty && ReplicaResyncing)
        {
            _catchUpTo = _catchUpTo == 0 ? Logged : _catchUpTo;
            ReplicaResyncing = Shipped + Nothing < _catchUpTo;
            _begunAt = ReplicaResyncing ? _begunAt : Shipped;
        }

        _history.Forget(Math.Max(Shipped - (LogRate * MostOnItsWay), _begunAt), !Logging || Dirty || ReplicaResyncing);
    }

    private void EnterDirtyMap(ResyncReason cause)
    {
        (Logging, Cause) = (false, cause);
        Note();
    }

    private void LeaveDirtyMap()
    {
        Logging = true;
        var written = _marked;
        _marked = 0;
        StartCopy(Spread.ExtentsOf(written), Spread.BlocksOf(written), Cause);
    }

    private void BeginGeneration()
    {
        Generation++;
        ReplicaResyncing = true;
        _catchUpTo = 0;
        Note();
    }

    private void Note() => _history.Note(_at, Logged, Written);
}
