using ReplicationEngine.Engine.Health;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>An outage that has begun.</summary>
internal sealed class OutageRecord(
    string name, OutageKind kind, string target, TimeSpan from, TimeSpan to, VmModel[] vms)
{
    public string Name => name;

    public OutageKind Kind => kind;

    public string Target => target;

    public TimeSpan From => from;

    public TimeSpan To => to;

    /// <summary>The machines that the outage affects.</summary>
    public VmModel[] Vms => vms;

    /// <summary>Whether the period of the outage has ended.</summary>
    public bool Over { get; set; }

    /// <summary>
    /// The virtual time at which all affected machines were protected again as before, or served from the target; null
    /// until then.
    /// </summary>
    public TimeSpan? NormalAt { get; set; }

    /// <summary>
    /// The worst data loss at risk of each affected machine until <see cref="NormalAt"/>, in seconds.
    /// </summary>
    public double[] WorstLag { get; } = new double[vms.Length];

    /// <summary>The largest number of bytes that waited to be sent, of all affected machines together.</summary>
    public double WorstBacklog { get; set; }

    /// <summary>The total downtime of each affected machine when the outage began.</summary>
    public TimeSpan[] DownBefore { get; } = [.. vms.Select(vm => vm.Log.DownUntil(from))];

    /// <summary>The total downtime of each affected machine when all of them were normal again.</summary>
    public TimeSpan[] DownAfter { get; } = new TimeSpan[vms.Length];
}

/// <summary>A failover, or a test failover, that was ordered.</summary>
internal sealed class FailoverRecord(string vm, FailoverPlan plan, OutageRecord? outage, TimeSpan ordered)
{
    public string Vm => vm;

    public FailoverPlan Plan => plan;

    public OutageRecord? Outage => outage;

    public TimeSpan Ordered => ordered;

    /// <summary>The virtual time at which the engine accepted the order; null until then.</summary>
    public TimeSpan? Started { get; set; }

    /// <summary>The virtual time at which the target's disks were writable; null until then.</summary>
    public TimeSpan? Ready { get; set; }

    /// <summary>The virtual time at which the machine served again; null until then.</summary>
    public TimeSpan? Served { get; set; }

    /// <summary>The virtual time at which the machine was back at its source and protected; null until then.</summary>
    public TimeSpan? Returned { get; set; }

    /// <summary>The period whose writes are lost.</summary>
    public TimeSpan Rpo { get; set; }

    /// <summary>The age of the recovery point when the target took over, as the engine states it.</summary>
    public TimeSpan RpoBound { get; set; }

    /// <summary>The number of bytes that are lost.</summary>
    public double LostBytes { get; set; }

    /// <summary>The number of bytes that the source had written at the recovery point.</summary>
    public double PointWritten { get; set; }

    /// <summary>The virtual time of the recovery point.</summary>
    public TimeSpan PointTime { get; set; }
}

/// <summary>A resync of a machine.</summary>
internal sealed class ResyncRecord(string vm, string reason, TimeSpan from, double sentBefore, double readBefore)
{
    public string Vm => vm;

    public string Reason => reason;

    public TimeSpan From => from;

    public double SentBefore => sentBefore;

    public double ReadBefore => readBefore;

    public TimeSpan? To { get; set; }

    public double Sent { get; set; }

    public double Read { get; set; }

    /// <summary>Whether the resync completed; false while it runs, and when a failover ended it early.</summary>
    public bool Completed { get; set; }
}

/// <summary>A health problem of a machine, with its beginning and its end.</summary>
internal sealed class AlertRecord(string vm, HealthKind kind, HealthLevel level, TimeSpan from, string message)
{
    public string Vm => vm;

    public HealthKind Kind => kind;

    public HealthLevel Level { get; set; } = level;

    public TimeSpan From => from;

    public string Message => message;

    public TimeSpan? To { get; set; }
}
