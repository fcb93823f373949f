using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Models one machine: its entity in the engine's core, and around it a model of its agent, its disks and its replica.
/// </summary>
internal sealed class VmModel
{
    private readonly OutageWorld _world;
    private readonly List<Marker> _markers = [];
    private readonly List<Marker> _arriving = [];
    private Seeing? _quiet;
    private long _setting;
    private long _connection;
    private long _churnSetting;

    public VmModel(OutageWorld world, VmPlan plan, LinkFlow link, int index)
    {
        (_world, Plan, Link, Index) = (world, plan, link, index);
        Forward = new FluidVolume(plan.Policy.CacheLimit, plan.DiskBytes, world.Scenario.Assumptions.CompareRate);
        Reverse = new FluidVolume(4L << 30, plan.DiskBytes, world.Scenario.Assumptions.CompareRate);
        (Forward.Spread, Reverse.Spread) = (UsualSpread, UsualSpread);
        Agent = new FluidAgent(this);
        Target = new FluidTarget(this);
        Effects = new VmEffects(this);
        Operator = new VmOperator(this);
        Log = new VmRecord(plan.Name);
        Core = new VmCore(world.Queue, world.Scenario.Start, plan.Name, index)
        {
            Started = Effects.Start,
            Cancelled = Effects.Cancel,
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

    public FluidAgent Agent { get; }

    public FluidTarget Target { get; }

    public OutageWorld World => _world;

    public TimeSpan Now => _world.Queue.Now;

    /// <summary>Whether the agent's streams to the service are up.</summary>
    public bool Session { get; private set; } = true;

    /// <summary>The virtual time since which the agent has been disconnected; null while it is connected.</summary>
    public TimeSpan? AwaySince { get; private set; }

    /// <summary>The virtual time at which the machine at the source has booted.</summary>
    public TimeSpan BootedAt { get; set; }

    /// <summary>
    /// The number of bytes that the machine wrote shortly before its last crash, which may be missing from its disks.
    /// </summary>
    public double LostInCrash { get; set; }

    /// <summary>
    /// The numbers of outages in progress of the machine's agent, its host and its log's file system.
    /// </summary>
    public OutageCounts Counts { get; } = new();

    public WriteSpread UsualSpread => new(Plan.WorkingSet, Plan.WriteSize);

    /// <summary>The direction of replication that is in use.</summary>
    public FluidVolume Active => Agent.Role == SourceRole.ReverseReplica ? Reverse : Forward;

    public bool HostUp => _world.SiteUp(Plan.Site) && Counts.Host == 0;

    public bool AgentUp => HostUp && Counts.Agent == 0;

    public bool Flows =>
        Session && Agent.Replicating && !_world.TargetFull && !Target.ReplicaLost && !Active.Tracking;

    public bool SourceRuns => AgentUp && Now >= BootedAt
        && (Agent.Role == SourceRole.Released || Agent is { Role: SourceRole.Primary, Confirmed: true });

    public bool TargetRuns =>
        Target is { HasLive: true, LiveQuiesced: false } && _world.ServiceUp && Now >= Target.LiveFrom;

    /// <summary>The time that a change takes to the replica's disk on a link that has room.</summary>
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

    /// <summary>
    /// Updates the connection, the writes and the link's shares after a change of the machine's surroundings.
    /// </summary>
    public void Refresh()
    {
        Advance(Now);
        var connected = AgentUp && Link.Up && _world.LinkSitesUp(Link) && _world.ServiceUp;
        if (!connected && AwaySince is null)
        {
            _world.Service?.Agents.Report(this);
            (Session, AwaySince) = (false, Now);
            Active.Cut(OnItsWay, Now);
            var setting = ++_connection;
            _world.Queue.After(ControlLimits.SilentTooLong, () => IfStill(setting, Look));
            _world.Queue.After(_world.Scenario.Assumptions.AgentLostAfter, () => IfStill(setting, LoseConnection));
        }
        else if (connected && AwaySince is not null && !Session)
        {
            var setting = ++_connection;
            _world.Queue.After(OutageWorld.ReconnectTime, () => IfStill(setting, Connect));
        }

        UpdateWrites();
    }

    /// <summary>Updates the rate of writes on each side, and again when the rate changes next.</summary>
    public void UpdateWrites()
    {
        var part = Plan.Churn.At(Now, _world.Scenario.Start);
        var spread = part.WorkingSet is { } set ? new WriteSpread(set, Plan.WriteSize) : UsualSpread;
        (Forward.Spread, Reverse.Spread) = (spread, spread);
        Forward.Write(SourceRuns ? part.Rate : 0, Now);
        Reverse.Write(TargetRuns ? part.Rate : 0, Now);
        var setting = ++_churnSetting;
        TimeSpan?[] edges =
        [
            part.Until, BootedAt > Now ? BootedAt : null, Target.LiveFrom > Now ? Target.LiveFrom : null,
        ];
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

    /// <summary>Inserts the marker of a recovery point into the log.</summary>
    public void InsertMarker(Marker marker)
    {
        _markers.Add(marker);
        SealReached();
        ScheduleNextChange();
    }

    /// <summary>Returns the current end of the forward log.</summary>
    public Knot Tail()
    {
        Advance(Now);
        return new Knot(Now, Forward.Logged, Forward.Written);
    }

    /// <summary>Returns the position of the end of a volume's log, counted in writes.</summary>
    public ChangePosition TailOf(FluidVolume volume) => Position(volume, volume.Logged);

    /// <summary>
    /// Returns the position up to which the replica has the log. A marker that has not arrived holds the position back.
    /// </summary>
    public ChangePosition Applied()
    {
        var shipped = Position(Forward, Forward.Shipped + 64);
        foreach (var marker in _arriving.Concat(_markers).Take(1))
        {
            var before = (long)(marker.Cut.Logged / Plan.WriteSize);
            return shipped.Lsn.Value > before ? shipped with { Lsn = new Lsn(before) } : shipped;
        }

        return shipped;
    }

    /// <summary>
    /// Returns the age of the writes that a failover would lose now, as the agent knows it; zero when everything is
    /// sent.
    /// </summary>
    public TimeSpan Lag() =>
        Active.Backlog <= 64 && !Active.Dirty ? TimeSpan.Zero : Now - Active.Replica().Time;

    /// <summary>Removes the markers that have not become recovery points yet.</summary>
    public void DropMarkers()
    {
        _markers.Clear();
        _arriving.Clear();
    }

    /// <summary>Advances the machine to now and reports its status to the service.</summary>
    public void Observe()
    {
        Advance(Now);
        SealReached();
        _world.Service?.Agents.Report(this);
    }

    /// <summary>Advances the machine to now and delivers the facts that the entity does not know yet.</summary>
    public void Look()
    {
        Advance(Now);
        SealReached();
        if (_world.Service is not { } service || Core.State.Phase is Phase.NotProtected || IsQuiet(service))
        {
            return;
        }

        service.Agents.Report(this);
        var astray = service.Facts.IsAstray(Core.State);
        if (astray)
        {
            OutageWorld.Watch(service.Facts.KeepAsync(Core.State, CancellationToken.None));
        }

        var facts = service.Facts.Facts(Core.State);
        foreach (var fact in facts)
        {
            Log.FactsRefused += Core.Tell(fact) is CommandReply.Accepted ? 0 : 1;
        }

        _quiet = facts.Count == 0 && !astray ? Seen(service) : null;
    }

    /// <summary>Delivers a command, such as the outcome of an effect, to the entity.</summary>
    public Task TellAsync(ProtectedVmCommand command, CancellationToken ct)
    {
        Core.Tell(command);
        return Task.CompletedTask;
    }

    /// <summary>Loads the entity after a start of the service, to which the agent is not connected yet.</summary>
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
        _world.Service!.Agents.Connected(this);
        OutageWorld.Watch(_world.Service.Facts.WelcomeAsync(Core.State, TellAsync, CancellationToken.None));
        UpdateWrites();
        Look();
    }

    // There is no fact to deliver as long as all values that facts are derived from are as they were when there was
    // none, and none of them depends on the time.
    private bool IsQuiet(ServiceRun service) => _quiet is { } quiet && Session && Lag() == TimeSpan.Zero
        && ReferenceEquals(quiet.State, Core.State) && quiet == Seen(service);

    private Seeing Seen(ServiceRun service) => new(
        Core.State, service, Target.ReplicaLost ? null : Target.Points.Observation, Agent.Directed, Active.Logging,
        Active.InSync, Forward.ReplicaResyncing, Forward.Generation, _world.TargetFull, Target.HasLive,
        Reverse.InSync, Agent.Divergent);

    private void LoseConnection()
    {
        _world.Service?.Agents.Lost(this);
        Look();
    }

    private ChangePosition Position(FluidVolume volume, double logged) =>
        new(new Generation(volume.Generation), new Lsn((long)(logged / Plan.WriteSize) + 1));

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
            _arriving.Add(marker);
            var connection = _connection;
            _world.Queue.After(OnItsWay, () =>
            {
                if (_arriving.Remove(marker) && connection != _connection)
                {
                    _markers.Insert(0, marker);
                }
                else if (!Target.ReplicaLost && !Target.HasLive)
                {
                    Target.Points.Seal(marker, _world.Scenario.Start, Forward.Spread);
                    Look();
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

/// <summary>The values from which the facts of a connected machine without lag are derived.</summary>
internal readonly record struct Seeing(
    ProtectedVmState State, ServiceRun Service, PointsObservation? Points, VolumeDirective? Directed, bool Logging,
    bool InSync, bool Resyncing, long Generation, bool TargetFull, bool Live, bool ReverseInSync, double Divergent);

/// <summary>The numbers of outages of one machine that are in progress, by kind.</summary>
internal sealed class OutageCounts
{
    public int Host { get; set; }

    public int Agent { get; set; }

    public int NoRoom { get; set; }
}
