// The data plane as a fluid: bytes flow at rates that are constant between events. One volume is one direction of one
// machine.
//
//   written ──► logged ──► shipped           while the log takes writes
//   written ──► marked                       in dirty-map mode: only which extents changed is known
//   marked  ──► compared ──► copied          once there is room again; the log goes on next to it
//
// The rules are the product's: the dirty map takes over when the log reaches its limit or half of the disks (RES-4); it
// gives way when at most half of either is left; a resync reads the marked extents of 4 MiB and sends only blocks of
// 64 KiB that differ; the replica equals a moment of the source again when all that was logged up to the end of the
// copying has arrived.
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>One direction of a machine's replication.</summary>
/// <param name="logLimit">The most that the log may hold.</param>
/// <param name="diskBytes">The size of the disks.</param>
/// <param name="compareRate">How fast they are read and hashed.</param>
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

    /// <summary>What a log may hold: its limit, or half of the disks.</summary>
    public double Capacity => Math.Min(logLimit, diskBytes / 2);

    /// <summary>Where writes go.</summary>
    public WriteSpread Spread { get; set; }

    /// <summary>Bytes written each second; 0 while the machine does not run here.</summary>
    public double Churn { get; private set; }

    /// <summary>All bytes ever written.</summary>
    public double Written { get; private set; }

    /// <summary>Bytes ever logged.</summary>
    public double Logged { get; private set; }

    /// <summary>Bytes of the log that the replica has.</summary>
    public double Shipped { get; private set; }

    /// <summary>Bytes that went over: of the log, and copied.</summary>
    public double Sent { get; private set; }

    /// <summary>Blocks still to be copied.</summary>
    public double CopyLeft { get; private set; }

    /// <summary>Extents still to be read and compared.</summary>
    public double CompareLeft { get; private set; }

    /// <summary>Bytes that resyncs copied so far.</summary>
    public double Copied { get; private set; }

    /// <summary>Bytes that resyncs read so far.</summary>
    public double Compared { get; private set; }

    /// <summary>Whether the log takes writes.</summary>
    public bool Logging { get; private set; } = true;

    /// <summary>Changes are only tracked, since nobody is to be sent them yet.</summary>
    public bool Tracking { get; private set; }

    /// <summary>The log has no room whatever its limit: the file system is full.</summary>
    public bool NoRoom { get; private set; }

    /// <summary>The replica equals no moment of the source.</summary>
    public bool ReplicaResyncing { get; private set; }

    /// <summary>Why extents were marked.</summary>
    public ResyncReason Cause { get; private set; } = ResyncReason.DirtyMap;

    /// <summary>The baseline; rises when the log could not carry every write.</summary>
    public long Generation { get; private set; } = 1;

    /// <summary>When something was written last.</summary>
    public TimeSpan LastWrite { get; private set; }

    /// <summary>Bytes each second that the link gives to the log.</summary>
    public double LogRate { get; private set; }

    /// <summary>Bytes each second that the link gives to copying.</summary>
    public double CopyRate { get; private set; }

    /// <summary>What is logged and not shipped.</summary>
    public double Backlog => Logged - Shipped;

    /// <summary>Whether anything is marked or being copied.</summary>
    public bool Dirty => _marked > 0 || Copying;

    /// <summary>Whether blocks are compared or copied.</summary>
    public bool Copying => CopyLeft > 0 || CompareLeft > 0;

    /// <summary>Whether the replica has all but what is in flight.</summary>
    public bool InSync => Logging && !Dirty && !ReplicaResyncing;

    /// <summary>Whether nothing is left to be sent.</summary>
    public bool CaughtUp => !Dirty && Backlog <= Nothing;

    /// <summary>Moves on to a moment.</summary>
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

    /// <summary>The connection breaks: what was on its way is sent again once there is another.</summary>
    public void Cut(TimeSpan onItsWay, TimeSpan now)
    {
        Advance(now);
        var back = LogRate * Math.Min(onItsWay.TotalSeconds, MostOnItsWay);
        Shipped = Math.Max(Shipped - back, Math.Max(0, _begunAt));
        (LogRate, CopyRate) = (0, 0);
    }

    /// <summary>Sets what is written from now on.</summary>
    public void Write(double churn, TimeSpan now)
    {
        Advance(now);
        Churn = churn;
        Note();
    }

    /// <summary>What it would send each second if it could.</summary>
    public double Wish() => Backlog > Nothing || CopyLeft > 0 ? double.PositiveInfinity : Logging ? Churn : 0;

    /// <summary>
    /// Sets what the link gives; while both have work, copying and the log get half each, as records and blocks take
    /// turns in the stream.
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

    /// <summary>How long until something changes by itself; null when nothing does.</summary>
    /// <param name="nextMark">The place of the log that is waited for; null when none is.</param>
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

    /// <summary>The moment that the replica stands at, if it stands at one.</summary>
    public Knot Replica() => _history.Find(Shipped, new Knot(_at, Logged, Written));

    /// <summary>All extents that are not empty are compared; the blocks given differ.</summary>
    public void StartCopy(double compare, double copy, ResyncReason cause)
    {
        Cause = cause;
        CompareLeft += compare;
        CopyLeft += copy;
        _comparePerCopy = CopyLeft > 0 ? CompareLeft / CopyLeft : 0;
        BeginGeneration();
    }

    /// <summary>What these writes touched may differ (a crash of the machine).</summary>
    public void Doubt(double written, ResyncReason cause)
    {
        Advance(_at);
        StartCopy(Spread.ExtentsOf(written), Spread.BlocksOf(written), cause);
    }

    /// <summary>From now on changes are only tracked.</summary>
    public void Track(TimeSpan now)
    {
        Advance(now);
        (Tracking, Logging, LogRate, CopyRate) = (true, false, 0, 0);
        (CopyLeft, CompareLeft, Shipped) = (0, 0, Logged);
        Note();
    }

    /// <summary>Changes that were tracked are copied, and with them what the other side has to give up.</summary>
    public void EndTracking(double alsoDiffers, TimeSpan now)
    {
        Advance(now);
        Tracking = false;
        _marked += alsoDiffers;
        LeaveDirtyMap();
    }

    /// <summary>The file system of the log fills up, or has room again.</summary>
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

    /// <summary>Everything starts again: the replica is empty.</summary>
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
