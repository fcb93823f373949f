using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Cli;

/// <summary>
/// Reduces a failing plan. It removes faults first, then operations, then VMs, then writes, as long as the same
/// invariant breaks.
/// </summary>
/// <param name="invariant">The name of the invariant that must still break.</param>
/// <param name="parts">The parts of the world; the production parts when null.</param>
internal sealed class Shrinker(string invariant, IWorldParts? parts = null)
{
    private const int Runs = 400;
    private int _left = Runs;

    /// <summary>
    /// Called before each run with the fraction of the allowed runs that is spent, and the number of events that are
    /// left.
    /// </summary>
    public Action<double, int> Progress { get; init; } = (_, _) => { };

    /// <summary>Returns the smallest plan that was found.</summary>
    public SimPlan Shrink(SimPlan plan)
    {
        plan = Less(plan, e => e is PlannedFault);
        plan = Less(plan, e => e is PlannedAction && !IsWrite(e));
        plan = FewerVms(plan);
        plan = Less(plan, IsWrite);
        plan = Less(plan, e => !IsWrite(e));
        return Shorter(plan);
    }

    private static bool IsWrite(PlannedEvent planned) =>
        planned is PlannedAction { Action: SimAction.Write or SimAction.Flush };

    /// <summary>Removes events of a kind: all of them, then halves, then quarters, and so on.</summary>
    private SimPlan Less(SimPlan plan, Func<PlannedEvent, bool> ofKind)
    {
        var mine = plan.Events.Where(ofKind).ToList();
        for (var size = Math.Max(1, mine.Count); size >= 1 && mine.Count > 0; size /= 2)
        {
            for (var at = 0; at < mine.Count && _left > 0;)
            {
                var without = mine.Take(at).Concat(mine.Skip(at + size)).ToHashSet(ReferenceEqualityComparer.Instance);
                var smaller = plan with { Events = [.. plan.Events.Where(e => !ofKind(e) || without.Contains(e))] };
                if (Breaks(smaller))
                {
                    (plan, mine) = (smaller, smaller.Events.Where(ofKind).ToList());
                }
                else
                {
                    at += size;
                }
            }
        }

        return plan;
    }

    /// <summary>Removes one VM after another. The numbers of the VMs after it decrease by one.</summary>
    private SimPlan FewerVms(SimPlan plan)
    {
        for (var vm = plan.Vms - 1; vm >= 0 && plan.Vms > 1 && _left > 0; vm--)
        {
            var gone = vm;
            var others = plan.Events.Where(e => e.Vm != gone);
            var smaller = plan with
            {
                Vms = plan.Vms - 1,
                Events = [.. others.Select(e => e.Vm > gone ? e with { Vm = e.Vm - 1 } : e)],
            };
            if (Breaks(smaller))
            {
                plan = smaller;
            }
        }

        return plan;
    }

    private SimPlan Shorter(SimPlan plan)
    {
        var end = plan.Events.Count == 0 ? 60_000 : plan.Events[^1].Ms + 60_000;
        var shorter = plan with { SafetyMs = Math.Min(plan.SafetyMs, end) };
        return Breaks(shorter) ? shorter : plan;
    }

    private bool Breaks(SimPlan plan)
    {
        Progress((double)(Runs - _left--) / Runs, plan.Events.Count);
        return new SimWorld(plan, parts).Run().Broken?.Invariant == invariant;
    }
}
