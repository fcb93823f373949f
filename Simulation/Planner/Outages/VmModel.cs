using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// One machine: its entity in the engine's core, and around it a model of its agent, its disks and its replica.
/// </summary>
internal sealed class VmModel
{
    private readonly OutageWorld _world;
    private readonly List<Marker> _markers = [];
    private long _setting;
    private long _connection;
    private long _churnSetting;

    public VmModel(OutageWorld world, VmPlan plan, LinkFlow link, int index)
    {
        (_world, Plan, Link, Index) = (world, plan, link, index);
        Forward = new FluidVolume(plan.Policy.CacheLimit, plan.DiskBytes, world.Scenario.Assumptions.CompareRate);
        Reverse = new FluidVolume(4L << 30, plan.DiskBytes, world.Scenario.Assumptions.CompareRate);
        (Forward.Spread, Reverse.Spread) = (UsualSpread, UsualSpread);
        Effects = new VmEffects(this);
        Operator = new VmOperator(this);
        Log = new VmRecord(plan.Name);
        Core = new VmCore(world.Queue, world.Scenario.Start, plan.Name, index)
        {
            Dispatched = Effects.Dispatch,
            Changed = OnChanged,
            Stored = world.StoredEvent is { } stored ? e => stored(plan.Name, e) : null,
        };
    }

    public VmPlan Plan { get; }

    public LinkFlow Link { get; }

    public int Index { get; }

    public FluidVolume Forward { get; }

    public FluidVolume Reverse { get; }

    public VmCore Core { get; }

    public VmEffects Effects { get; }

    public VmOperator Operator { get; }

    public VmRecord Log { get; }

    public PointLedger Points { get; } = new();

    public OutageWorld World => _world;

    public TimeSpan Now => _world.Queue.Now;

    /// <summary>What the source side is; the machine runs before it is protected.</summary>
    public SourceRole Role { get; set; } = SourceRole.Released;

    /// <summary>The source's term was confirmed since its agent started.</summary>
    public bool Confirmed { get; set; } = true;

    /// <summary>Replication was started.</summary>
    public bool Replicating { get; set; }

    /// <summary>The agent's streams to the service are up.</summary>
    public bool Session { get; private set; } = true;

    /// <summary>Since when they are not; null while they are.</summary>
    public TimeSpan? AwaySince { get; private set; }

    /// <summary>The recovered machine is served.</summary>
    public bool Live { get; set; }

    /// <summary>It takes no more writes.</summary>
    public bool LiveQuiesced { get; set; }

    /// <summary>When a machine at the target has booted.</summary>
    public TimeSpan LiveFrom { get; set; }

    /// <summary>When the machine at the source has booted.</summary>
    public TimeSpan BootedAt { get; set; }

    /// <summary>What the source wrote that the target does not stand on.</summary>
    public double Divergent { get; set; }

    /// <summary>What it had written shortly before its machine crashed.</summary>
    public double LostInCrash { get; set; }

    /// <summary>The replica is gone with its storage.</summary>
    public bool ReplicaLost { get; set; }

    /// <summary>Outages of its agent, its host and its log's file system that last.</summary>
    public OutageCounts Counts { get; } = new();

    public WriteSpread UsualSpread => new(Plan.WorkingSet, Plan.WriteSize);

    /// <summary>The direction in use.</summary>
    public FluidVolume Active => Role == SourceRole.ReverseReplica ? Reverse : Forward;

    public bool HostUp => _world.SiteUp(Plan.Site) && Counts.Host == 0;

    public bool AgentUp => HostUp && Counts.Agent == 0;

    public bool Flows => Session && Replicating && !_world.TargetFull && !ReplicaLost && !Active.Tracking;

    public bool SourceRuns => AgentUp && Now >= BootedAt
        && (Role == SourceRole.Released || (Role == SourceRole.Primary && Confirmed));

    public bool TargetRuns => Live && !LiveQuiesced && _world.ServiceUp && Now >= LiveFrom;

    /// <summary>How long a change takes to the replica's disk on a link that has room.</summary>
    public TimeSpan OnItsWay => Link.Quality.Latency + OutageWorld.SyncInterval;

    /// <summary>Whether the machine serves its users.</summary>
    public bool Serves => WritablePrimary.Of(Core.State.Phase) == PrimarySide.Target ? TargetRuns : SourceRuns;

    public void Advance(TimeSpan now)
    {
        Forward.Advance(now);
        Reverse.Advance(now);
    }

    public double WishOnWire() => Flows ? Active.Wish() * Plan.CompressTo : 0;

    public void Give(double onWire, TimeSpan now)
    {
        var other = ReferenceEquals(Active, Forward) ? Reverse : Forward;
        other.Give(0, now);
        Active.Give(onWire / Plan.CompressTo, now);
        ScheduleNextChange();
    }

    /// <summary>Something of the surroundings changed: connection, writes and shares are worked out again.</summary>
    public void Refresh()
    {
        Advance(Now);
        var connected = AgentUp && Link.Up && _world.LinkSitesUp(Link) && _world.ServiceUp;
        if (!connected && AwaySince is null)
        {
            _connection++;
            (Session, AwaySince) = (false, Now);
            Active.Cut(OnItsWay, Now);
            var setting = _connection;
            _world.Queue.After(_world.Scenario.Assumptions.AgentLostAfter, () => IfStill(setting, Look));
        }
        else if (connected && AwaySince is not null && !Session)
        {
            var setting = ++_connection;
            _world.Queue.After(OutageWorld.ReconnectTime, () => IfStill(setting, Connect));
        }

        UpdateWrites();
    }

    /// <summary>Works out what is written where, now.</summary>
    public void UpdateWrites()
    {
        var part = Plan.Churn.At(Now, _world.Scenario.Start);
        var spread = part.WorkingSet is { } set ? new WriteSpread(set, Plan.WriteSize) : UsualSpread;
        (Forward.Spread, Reverse.Spread) = (spread, spread);
        Forward.Write(SourceRuns ? part.Rate : 0, Now);
        Reverse.Write(TargetRuns ? part.Rate : 0, Now);
        var setting = ++_churnSetting;
        TimeSpan?[] edges = [part.Until, BootedAt > Now ? BootedAt : null, LiveFrom > Now ? LiveFrom : null];
        if (edges.Min() is { } next)
        {
            _world.Queue.At(next, () =>
            {
                if (setting == _churnSetting)
                {
                    UpdateWrites();
                }
            });
        }

        Log.Uptime(Now, Serves);
        _world.Restack(Link);
    }

    /// <summary>Marks a cut in the log.</summary>
    public void InsertMarker(Marker marker)
    {
        _markers.Add(marker);
        SealReached();
        ScheduleNextChange();
    }

    /// <summary>Where the log stands now.</summary>
    public Knot Tail()
    {
        Advance(Now);
        return new Knot(Now, Forward.Logged, Forward.Written);
    }

    /// <summary>Forgets cuts that are still on their way.</summary>
    public void DropMarkers() => _markers.Clear();

    /// <summary>Looks whether there is anything to tell the entity, and does so.</summary>
    public void Look()
    {
        Advance(Now);
        SealReached();
        Effects.Look();
        VmLook.Tell(this);
    }

    /// <summary>The service starts again; nothing is connected yet.</summary>
    public void ServiceStarted()
    {
        AwaySince = AwaySince is null ? null : Now;
        Core.Start();
    }

    private void IfStill(long setting, Action action)
    {
        if (setting == _connection)
        {
            action();
        }
    }

    private void Connect()
    {
        (Session, AwaySince) = (true, null);
        Effects.Welcome();
        UpdateWrites();
        Look();
    }

    private void ScheduleNextChange()
    {
        var setting = ++_setting;
        double? mark = _markers.Count > 0 ? _markers[0].Cut.Logged : null;
        double?[] all = [Active.NextChange(mark), ReferenceEquals(Active, Forward) ? null : Forward.NextChange(null)];
        if (all.Min() is { } seconds && seconds < 1e9)
        {
            _world.Queue.After(TimeSpan.FromTicks((long)Math.Ceiling(seconds * TimeSpan.TicksPerSecond)), () =>
            {
                if (setting == _setting)
                {
                    Look();
                    _world.Restack(Link);
                }
            });
        }
    }

    private void SealReached()
    {
        while (_markers.Count > 0 && Forward.Shipped + 64 >= _markers[0].Cut.Logged)
        {
            var marker = _markers[0];
            _markers.RemoveAt(0);
            var connection = _connection;
            _world.Queue.After(OnItsWay, () =>
            {
                if (connection != _connection)
                {
                    _markers.Insert(0, marker);
                }
                else if (!ReplicaLost && Core.State.Phase is Phase.Protected or Phase.FailingOver)
                {
                    Core.Tell(new ProtectedVmCommand.RecordRecoveryPointSealed(
                        Points.Seal(marker, _world.Scenario.Start, Forward.Spread).Point));
                    Effects.Look();
                }
            });
        }
    }

    private void OnChanged(ProtectedVmState before, ProtectedVmState after)
    {
        Log.Note(this, before, after);
        if (!ReferenceEquals(before.Phase, after.Phase) || !ReferenceEquals(before.TestFailover, after.TestFailover))
        {
            Operator.Entered(after);
            _world.Queue.After(TimeSpan.Zero, Refresh);
        }
    }
}

/// <summary>How many outages of each kind last.</summary>
internal sealed class OutageCounts
{
    public int Host { get; set; }

    public int Agent { get; set; }

    public int NoRoom { get; set; }
}
