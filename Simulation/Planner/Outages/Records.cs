using ReplicationEngine.Engine.Health;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>An outage that came.</summary>
internal sealed class OutageRecord(
    string name, OutageKind kind, string target, TimeSpan from, TimeSpan to, VmModel[] vms)
{
    public string Name => name;

    public OutageKind Kind => kind;

    public string Target => target;

    public TimeSpan From => from;

    public TimeSpan To => to;

    /// <summary>The machines that it befell.</summary>
    public VmModel[] Vms => vms;

    /// <summary>Whether the period has ended.</summary>
    public bool Over { get; set; }

    /// <summary>When all its machines were protected again as before, or served from the target.</summary>
    public TimeSpan? NormalAt { get; set; }

    /// <summary>The worst data loss at risk of each machine until then.</summary>
    public double[] WorstLag { get; } = new double[vms.Length];

    /// <summary>The most that waited to be sent.</summary>
    public double WorstBacklog { get; set; }

    /// <summary>How long each machine had been down when it began.</summary>
    public TimeSpan[] DownBefore { get; } = [.. vms.Select(vm => vm.Log.DownUntil(from))];

    /// <summary>How long each had been down when all was normal again.</summary>
    public TimeSpan[] DownAfter { get; } = new TimeSpan[vms.Length];
}

/// <summary>A failover, or a test of one.</summary>
internal sealed class FailoverRecord(string vm, FailoverPlan plan, OutageRecord? outage, TimeSpan ordered)
{
    public string Vm => vm;

    public FailoverPlan Plan => plan;

    public OutageRecord? Outage => outage;

    public TimeSpan Ordered => ordered;

    /// <summary>When the engine took the order.</summary>
    public TimeSpan? Started { get; set; }

    /// <summary>When the target's disks were writable.</summary>
    public TimeSpan? Ready { get; set; }

    /// <summary>When the machine served again.</summary>
    public TimeSpan? Served { get; set; }

    /// <summary>When the machine was back at its source and protected.</summary>
    public TimeSpan? Returned { get; set; }

    /// <summary>The time whose writes are lost.</summary>
    public TimeSpan Rpo { get; set; }

    /// <summary>The age of the point when the target was ready, as the engine states it.</summary>
    public TimeSpan RpoBound { get; set; }

    /// <summary>The bytes that are lost.</summary>
    public double LostBytes { get; set; }

    /// <summary>Where the point stood.</summary>
    public double PointWritten { get; set; }

    /// <summary>When the point was cut.</summary>
    public TimeSpan PointTime { get; set; }
}

/// <summary>A resync.</summary>
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

    /// <summary>Whether the resync completed, rather than being cut off by a failover.</summary>
    public bool Completed { get; set; }
}

/// <summary>Something that was wrong, from when to when.</summary>
internal sealed class AlertRecord(string vm, HealthKind kind, HealthLevel level, TimeSpan from, string message)
{
    public string Vm => vm;

    public HealthKind Kind => kind;

    public HealthLevel Level { get; set; } = level;

    public TimeSpan From => from;

    public string Message => message;

    public TimeSpan? To { get; set; }
}
