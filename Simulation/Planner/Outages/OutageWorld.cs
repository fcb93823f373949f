using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Models the sites, the links, the service and the machines of a run, and applies the outages to them.
/// </summary>
internal sealed class OutageWorld
{
    /// <summary>
    /// The time from the moment at which an agent can connect again to the moment at which it is connected.
    /// </summary>
    public static readonly TimeSpan ReconnectTime = TimeSpan.FromSeconds(5);

    /// <summary>The interval at which the replica syncs the data that it received.</summary>
    public static readonly TimeSpan SyncInterval = TimeSpan.FromMilliseconds(200);

    // The writes of this period before a crash of the machine may be missing from its disks.
    private static readonly TimeSpan ActiveFor = TimeSpan.FromSeconds(60);

    private readonly Dictionary<string, int> _sitesDown = new(StringComparer.Ordinal);
    private readonly Dictionary<string, VmModel> _byName = new(StringComparer.Ordinal);
    private readonly List<OutageRecord> _outages = [];
    private int _serviceDown;
    private int _targetFull;

    public OutageWorld(Scenario scenario, Action<string, StoredEvent>? storedEvent)
    {
        (Scenario, StoredEvent) = (scenario, storedEvent);
        Clock = new VirtualClock(Queue, scenario.Start);
        Links = [.. scenario.Links.Select(plan => new LinkFlow(plan))];
        Vms = [.. scenario.Vms.Select((plan, index) => new VmModel(this, plan, LinkOf(plan.Site), index))];
        foreach (var vm in Vms)
        {
            vm.Link.Users.Add(vm);
            _byName[vm.Plan.Name] = vm;
        }
    }

    /// <summary>The queue of events that advances the virtual time.</summary>
    public EventQueue Queue { get; } = new();

    /// <summary>The clock that all machines share.</summary>
    public VirtualClock Clock { get; }

    /// <summary>The current run of the service; null while the service is down.</summary>
    public ServiceRun? Service { get; private set; }

    /// <summary>The scenario that is run.</summary>
    public Scenario Scenario { get; }

    /// <summary>
    /// Called with the name of a machine and an event, for every event that the machine's entity stores; may be null.
    /// </summary>
    public Action<string, StoredEvent>? StoredEvent { get; }

    /// <summary>The links of the scenario.</summary>
    public IReadOnlyList<LinkFlow> Links { get; }

    /// <summary>The machines of the scenario.</summary>
    public IReadOnlyList<VmModel> Vms { get; }

    /// <summary>The outages that have begun so far.</summary>
    public IReadOnlyList<OutageRecord> Outages => _outages;

    /// <summary>Whether the service runs: neither the service nor its site has an outage.</summary>
    public bool ServiceUp => _serviceDown == 0 && SiteUp(Scenario.ServiceSite);

    /// <summary>Whether the storage of the replicas is full.</summary>
    public bool TargetFull => _targetFull > 0;

    /// <summary>Returns the machine with a name.</summary>
    public VmModel Vm(string name) => _byName[name];

    /// <summary>
    /// Ensures that the exception of asynchronous work is not lost, but ends the run through the queue.
    /// </summary>
    public static void Watch(Task work)
    {
        if (work.IsCompleted)
        {
            work.GetAwaiter().GetResult();
        }
        else
        {
            work.GetAwaiter().OnCompleted(() => work.GetAwaiter().GetResult());
        }
    }

    /// <summary>Returns whether a site is up.</summary>
    public bool SiteUp(string site) => _sitesDown.GetValueOrDefault(site) == 0;

    /// <summary>Returns whether the sites at both ends of a link are up.</summary>
    public bool LinkSitesUp(LinkFlow link) => SiteUp(link.Plan.SiteA) && SiteUp(link.Plan.SiteB);

    /// <summary>Has the shares of a link computed again, once, before virtual time advances.</summary>
    public void Restack(LinkFlow link)
    {
        if (!link.Stale)
        {
            link.Stale = true;
            Queue.After(TimeSpan.Zero, () => link.Share(Queue.Now));
        }
    }

    /// <summary>
    /// Starts the service, protects the machines, and puts the planned outages and failovers into the queue.
    /// </summary>
    public void Begin()
    {
        StartService();
        foreach (var vm in Vms)
        {
            vm.Core.Start();
            vm.Refresh();
            vm.Operator.Protect();
        }

        foreach (var plan in Scenario.Outages)
        {
            foreach (var (target, at, lasts) in OutageSchedule.Of(plan, Scenario))
            {
                Queue.At(at, () => BeginOutage(plan, target, lasts));
            }
        }

        foreach (var plan in Scenario.Failovers.Where(plan => plan.On is null))
        {
            Queue.At(plan.At, () => Decide(plan, null));
        }
    }

    /// <summary>Returns the machines that a failover plan selects.</summary>
    public IEnumerable<VmModel> MeantBy(FailoverPlan plan) =>
        Vms.Where(vm => plan.Vms.Any(pattern => ScenarioReader.Means(pattern, vm.Plan.Name)));

    private LinkFlow LinkOf(string site) => Links.First(link =>
        (link.Plan.SiteA == site && link.Plan.SiteB == Scenario.ServiceSite)
        || (link.Plan.SiteB == site && link.Plan.SiteA == Scenario.ServiceSite));

    private void Decide(FailoverPlan plan, OutageRecord? outage)
    {
        foreach (var vm in MeantBy(plan))
        {
            vm.Operator.FailOver(plan, outage);
        }
    }

    private void BeginOutage(OutagePlan plan, string target, TimeSpan lasts)
    {
        var record = new OutageRecord(
            plan.Name, plan.Kind, target, Queue.Now, Queue.Now + lasts,
            [.. Vms.Where(vm => Befalls(plan.Kind, target, vm))]);
        _outages.Add(record);
        Change(() => Apply(plan, record, +1));
        Queue.After(lasts, () =>
        {
            record.Over = true;
            Change(() => Apply(plan, record, -1));
        });
        foreach (var failover in Scenario.Failovers.Where(failover => failover.On == plan.Name))
        {
            Queue.After(failover.After, () =>
            {
                if (!record.Over)
                {
                    Decide(failover, record);
                }
            });
        }
    }

    private bool Befalls(OutageKind kind, string target, VmModel vm) => kind switch
    {
        OutageKind.Site => vm.Plan.Site == target || Scenario.ServiceSite == target,
        OutageKind.Link => vm.Link.Plan.Name == target,
        OutageKind.Agent or OutageKind.Host or OutageKind.CacheFull => vm.Plan.Name == target,
        _ => true,
    };

    private void Apply(OutagePlan plan, OutageRecord record, int change)
    {
        switch (plan.Kind)
        {
            case OutageKind.Site:
                _sitesDown[record.Target] = _sitesDown.GetValueOrDefault(record.Target) + change;
                foreach (var vm in Vms.Where(vm => vm.Plan.Site == record.Target))
                {
                    Crash(vm, change);
                }

                LoseReplicas(plan, change);
                break;
            case OutageKind.Link when change > 0:
                Links.First(link => link.Plan.Name == record.Target).Break(plan.Degraded);
                break;
            case OutageKind.Link:
                Links.First(link => link.Plan.Name == record.Target).Repair(plan.Degraded);
                break;
            case OutageKind.Service:
                _serviceDown += change;
                LoseReplicas(plan, change);
                break;
            case OutageKind.TargetFull:
                _targetFull += change;
                break;
            case OutageKind.Host:
                record.Vms[0].Counts.Host += change;
                Crash(record.Vms[0], change);
                break;
            case OutageKind.Agent:
                record.Vms[0].Counts.Agent += change;
                record.Vms[0].Agent.Confirmed = false;
                break;
            default:
                record.Vms[0].Counts.NoRoom += change;
                record.Vms[0].Forward.SetNoRoom(record.Vms[0].Counts.NoRoom > 0, Queue.Now);
                break;
        }
    }

    // When the outage is over, the machine boots. Its last writes are then compared, because its log was not synced
    // (RES-2).
    private void Crash(VmModel vm, int change)
    {
        vm.Agent.Confirmed = false;
        if (change > 0)
        {
            vm.Advance(Queue.Now);
            vm.LostInCrash = vm.Forward.Logging ? vm.Forward.Churn * ActiveFor.TotalSeconds : 0;
        }
        else
        {
            vm.BootedAt = Queue.Now + vm.Plan.Boot;
            if (vm is { LostInCrash: > 0, Agent.Role: SourceRole.Primary })
            {
                vm.Forward.Doubt(vm.LostInCrash, ResyncReason.ForcedShutdown);
            }
        }
    }

    private void LoseReplicas(OutagePlan plan, int change)
    {
        if (plan.LosesReplicas && change > 0
            && (plan.Kind == OutageKind.Service || plan.Target == Scenario.ServiceSite))
        {
            foreach (var vm in Vms)
            {
                vm.Log.MachineLost |= vm.Target.HasLive;
                vm.Target.Lose();
                vm.DropMarkers();
            }
        }
    }

    // The service knows the agents that are connected when it starts. The others connect one by one.
    private void StartService()
    {
        Service = ServiceUp ? new ServiceRun(this) : null;
        foreach (var vm in Vms.Where(vm => vm.Session))
        {
            Service?.Agents.Connected(vm);
        }
    }

    private void Change(Action apply)
    {
        var was = ServiceUp;
        foreach (var vm in Vms)
        {
            vm.Advance(Queue.Now);
        }

        apply();
        if (was != ServiceUp)
        {
            StartService();
        }

        foreach (var vm in Vms)
        {
            if (was && !ServiceUp)
            {
                vm.Effects.ServiceStopped();
                vm.Core.Stop();
            }

            vm.Refresh();
            if (!was && ServiceUp)
            {
                vm.ServiceStarted();
            }
        }
    }
}
