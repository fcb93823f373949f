using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>What happened to one machine.</summary>
internal sealed class VmRecord(string name)
{
    private readonly List<AlertRecord> _open = [];
    private TimeSpan _since;
    private TimeSpan _down;
    private bool _serves = true;

    /// <summary>When it came into which phase.</summary>
    public List<(TimeSpan At, string Phase)> Phases { get; } = [];

    /// <summary>What was wrong.</summary>
    public List<AlertRecord> Alerts { get; } = [];

    /// <summary>The VM's resyncs.</summary>
    public List<ResyncRecord> Resyncs { get; } = [];

    /// <summary>The VM's failovers.</summary>
    public List<FailoverRecord> Failovers { get; } = [];

    /// <summary>Orders that were refused or could not be given, and how often.</summary>
    public SortedDictionary<string, int> Refusals { get; } = new(StringComparer.Ordinal);

    /// <summary>How often it was protected again.</summary>
    public int Enabled { get; private set; }

    /// <summary>Recovery points made.</summary>
    public long PointsMade { get; private set; }

    /// <summary>Facts that the entity refused; a fault of the model when it is not 0.</summary>
    public int FactsRefused { get; set; }

    /// <summary>Effects that were outstanding no longer before they ended.</summary>
    public int EffectsCancelled { get; set; }

    /// <summary>The machine ran at the target when its storage was lost.</summary>
    public bool MachineLost { get; set; }

    private FailoverRecord? Current => Failovers.Count > 0 ? Failovers[^1] : null;

    /// <summary>Whether it served is told whenever that may have changed.</summary>
    public void Uptime(TimeSpan now, bool serves)
    {
        _down += _serves ? TimeSpan.Zero : now - _since;
        (_since, _serves) = (now, serves);
        if (serves && Current is { Ready: { } ready, Served: null } record && now >= ready)
        {
            record.Served = now;
        }
    }

    /// <summary>How long it was down in all.</summary>
    public TimeSpan DownUntil(TimeSpan now) => _down + (_serves ? TimeSpan.Zero : now - _since);

    /// <summary>The entity's state became another one.</summary>
    public void Note(VmModel vm, ProtectedVmState before, ProtectedVmState after)
    {
        if (after.Points.Count > 0
            && (before.Points.Count == 0 || before.Points[^1].Id != after.Points[^1].Id) && after.Phase is not
                (Phase.FailedOver or Phase.Committing))
        {
            PointsMade++;
        }

        if (!ReferenceEquals(before.Phase, after.Phase))
        {
            NotePhase(vm, before.Phase, after.Phase);
        }

        if (!ReferenceEquals(before.TestFailover, after.TestFailover) && after.TestFailover is TestFailover.Active
            && Current is { } test)
        {
            (test.Ready, test.Started) = (vm.Now, test.Started ?? test.Ordered);
        }

        if (!ReferenceEquals(before.Replication, after.Replication))
        {
            NoteResync(vm, before.Replication, after.Replication);
        }

        if (before.Causes != after.Causes || before.Retries != after.Retries
            || !ReferenceEquals(before.Replication, after.Replication) || !ReferenceEquals(before.Phase, after.Phase))
        {
            NoteHealth(vm, after);
        }
    }

    /// <summary>A failover was decided.</summary>
    public void Ordered(VmModel vm, FailoverPlan plan, OutageRecord? outage) =>
        Failovers.Add(new FailoverRecord(name, plan, outage, vm.Now));

    /// <summary>The target took over at a point.</summary>
    public void TookOver(VmModel vm, HeldPoint held)
    {
        if (Current is not { } record)
        {
            return;
        }

        record.PointWritten = held.Written;
        record.PointTime = held.Point.Time - vm.World.Scenario.Start;
        record.RpoBound = vm.Now - record.PointTime;
        Lose(record, vm);
    }

    /// <summary>The source learnt that it lost its term: what it wrote until now is lost too.</summary>
    public void SourceFenced(VmModel vm)
    {
        if (Current is { Ready: not null } record)
        {
            vm.Advance(vm.Now);
            Lose(record, vm);
            vm.Agent.Divergent = record.LostBytes;
        }
    }

    /// <summary>An order was refused or could not be given.</summary>
    public void Refused(string what) => Refusals[what] = Refusals.GetValueOrDefault(what) + 1;

    /// <summary>What the resync that runs has sent so far.</summary>
    public double ResyncSent(VmModel vm) =>
        Resyncs is [.., { To: null } last] ? vm.Forward.Copied - last.SentBefore : 0;

    private static void Lose(FailoverRecord record, VmModel vm)
    {
        var lost = vm.Forward.Written - record.PointWritten;
        record.LostBytes = lost < 1 ? 0 : lost;
        record.Rpo = record.LostBytes == 0 ? TimeSpan.Zero : vm.Forward.LastWrite - record.PointTime;
    }

    private void NotePhase(VmModel vm, Phase before, Phase after)
    {
        var phase = PhaseName.Of(after);
        if (Phases.Count == 0 || Phases[^1].Phase != phase)
        {
            Phases.Add((vm.Now, phase));
        }

        Enabled += after is Phase.Enabling && before is not Phase.Enabling ? 1 : 0;
        switch (after)
        {
            case Phase.FailingOver when Current is { Started: null } record:
                record.Started = vm.Now;
                break;
            case Phase.CommitPending when Current is { Ready: null } record:
                record.Ready = vm.Now;
                break;
            case Phase.Protected when Current is { Ready: not null, Returned: null } record:
                record.Returned = vm.Now;
                break;
        }
    }

    private void NoteResync(VmModel vm, ReplicationState before, ReplicationState after)
    {
        var (ran, runs) = (before.Resync is { Stage: not ResyncStage.Required },
            after.Resync is { Stage: not ResyncStage.Required });
        if (!ran && runs && Resyncs is not [.., { To: null }])
        {
            var reasons = string.Join(", ", after.Resync!.Reasons);
            Resyncs.Add(new ResyncRecord(name, reasons, vm.Now, vm.Forward.Copied, vm.Forward.Compared));
        }
        else if (ran && !runs && Resyncs is [.., { To: null } last])
        {
            last.To = vm.Now;
            last.Completed = after.Active;
            last.Sent = vm.Forward.Copied - last.SentBefore;
            last.Read = vm.Forward.Compared - last.ReadBefore;
        }
    }

    private void NoteHealth(VmModel vm, ProtectedVmState state)
    {
        var causes = ProtectedVmHealth.Of(state).Causes;
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            if (!causes.Any(cause => cause.Kind == _open[i].Kind))
            {
                _open[i].To = vm.Now;
                _open.RemoveAt(i);
            }
        }

        foreach (var cause in causes)
        {
            var known = _open.Find(alert => alert.Kind == cause.Kind);
            if (known is null)
            {
                known = new AlertRecord(name, cause.Kind, cause.Level, vm.Now, cause.Message);
                _open.Add(known);
                Alerts.Add(known);
                if (cause.Kind == HealthKind.TargetStoreCorrupt)
                {
                    vm.World.Queue.After(vm.World.Scenario.Assumptions.AskAgainEvery, vm.Operator.ReplaceReplica);
                }
            }

            known.Level = cause.Level > known.Level ? cause.Level : known.Level;
        }
    }
}
