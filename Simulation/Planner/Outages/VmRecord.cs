using ReplicationEngine.Engine.Health;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Records the history of one machine in a run.</summary>
internal sealed class VmRecord(string name)
{
    private readonly List<AlertRecord> _open = [];
    private TimeSpan _since;
    private TimeSpan _down;
    private bool _serves = true;

    /// <summary>The phases of the machine, each with the virtual time at which it began.</summary>
    public List<(TimeSpan At, string Phase)> Phases { get; } = [];

    /// <summary>The health problems of the machine.</summary>
    public List<AlertRecord> Alerts { get; } = [];

    /// <summary>The resyncs of the machine.</summary>
    public List<ResyncRecord> Resyncs { get; } = [];

    /// <summary>The failovers and test failovers of the machine.</summary>
    public List<FailoverRecord> Failovers { get; } = [];

    /// <summary>The orders that were refused or could not be given, each with the number of times.</summary>
    public SortedDictionary<string, int> Refusals { get; } = new(StringComparer.Ordinal);

    /// <summary>The number of times at which protection of the machine began.</summary>
    public int Enabled { get; private set; }

    /// <summary>The number of recovery points that were made.</summary>
    public long PointsMade { get; private set; }

    /// <summary>The number of facts that the entity refused; more than 0 is a fault of the model.</summary>
    public int FactsRefused { get; set; }

    /// <summary>The number of effects that were cancelled while they ran.</summary>
    public int EffectsCancelled { get; set; }

    /// <summary>Whether the machine ran at the target when the target's storage was lost.</summary>
    public bool MachineLost { get; set; }

    private FailoverRecord? Current => Failovers.Count > 0 ? Failovers[^1] : null;

    /// <summary>Records whether the machine serves. Called whenever that may have changed.</summary>
    public void Uptime(TimeSpan now, bool serves)
    {
        _down += _serves ? TimeSpan.Zero : now - _since;
        (_since, _serves) = (now, serves);
        if (serves && Current is { Ready: { } ready, Served: null } record && now >= ready)
        {
            record.Served = now;
        }
    }

    /// <summary>Returns the total downtime of the machine up to a virtual time.</summary>
    public TimeSpan DownUntil(TimeSpan now) => _down + (_serves ? TimeSpan.Zero : now - _since);

    /// <summary>Records a change of the entity's state.</summary>
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

    /// <summary>Records that a failover was ordered.</summary>
    public void Ordered(VmModel vm, FailoverPlan plan, OutageRecord? outage) =>
        Failovers.Add(new FailoverRecord(name, plan, outage, vm.Now));

    /// <summary>Records that the target took over at a recovery point.</summary>
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

    /// <summary>Records that the source learnt of the loss of its term. Its writes until now are lost, too.</summary>
    public void SourceFenced(VmModel vm)
    {
        if (Current is { Ready: not null } record)
        {
            vm.Advance(vm.Now);
            Lose(record, vm);
            vm.Agent.Divergent = record.LostBytes;
        }
    }

    /// <summary>Records that an order was refused or could not be given.</summary>
    public void Refused(string what) => Refusals[what] = Refusals.GetValueOrDefault(what) + 1;

    /// <summary>
    /// Returns the number of bytes that the resync in progress has sent so far; 0 when there is none.
    /// </summary>
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
