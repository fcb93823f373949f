using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Models the operator of one machine, who gives the orders of the scenario's failovers, waits between them as the
/// scenario says, and retries a refused order after a while.
/// </summary>
internal sealed class VmOperator(VmModel vm)
{
    private const string Actor = "planner";
    private const int MaxTries = 2000;

    private FailoverPlan? _plan;
    private long _order;

    /// <summary>Orders the protection of the machine.</summary>
    public void Protect() => Ask("protect", () => new ProtectedVmCommand.Enable(
        new Engine.Identifiers.ProtectedVmId(vm.Plan.Name),
        vm.Plan.Disks.Select((size, i) => new ProtectedDisk(vm.Plan.PathOf(i), size)).ToValueList(),
        vm.Plan.ScenarioId, vm.Plan.Policy.Policy, vm.Plan.Name), () => false);

    /// <summary>Orders a failover, if the machine's phase allows one.</summary>
    /// <param name="plan">The plan of the failover.</param>
    /// <param name="outage">The outage that the failover follows; null when it follows none.</param>
    public void FailOver(FailoverPlan plan, OutageRecord? outage)
    {
        if (vm.Core.State.Phase is not Phase.Protected and not Phase.InitialReplication and not Phase.Finalizing)
        {
            vm.Log.Refused($"{plan.Name}: not ordered, since the machine was {PhaseName.Of(vm.Core.State.Phase)}");
            return;
        }

        _plan = plan;
        vm.Log.Ordered(vm, plan, outage);
        Ask(plan.Name, () => Order(plan), () => outage?.Over == true);
    }

    /// <summary>Plans the next order after the machine came into another phase.</summary>
    public void Entered(ProtectedVmState state)
    {
        _order++;
        if (vm.Target.ReplicaLost && state.Phase is Phase.Disabled)
        {
            Later(TimeSpan.FromMinutes(5), Protect);
        }

        if (_plan is not { } plan)
        {
            return;
        }

        var (delay, name, command) = state.Phase switch
        {
            Phase.CommitPending => (plan.Commit, "commit", new ProtectedVmCommand.Commit()),
            Phase.FailedOver => (plan.Reprotect, "reprotect", new ProtectedVmCommand.Reprotect(Discard: true)),
            Phase.ProtectedReverse => (plan.Failback, "failback", new ProtectedVmCommand.Failback()),
            Phase.FailbackCommitPending =>
                (plan.FailbackCommit, "commit of the failback", new ProtectedVmCommand.Commit()),
            Phase.FailedBack =>
                (plan.ReprotectAgain, "reprotect after the failback", new ProtectedVmCommand.Reprotect(Discard: true)),
            Phase.Protected when state.TestFailover is TestFailover.Active =>
                (plan.CleanUp, "clean-up", new ProtectedVmCommand.CleanUpTestFailover("simulated")),
            _ => ((TimeSpan?)null, "", (ProtectedVmCommand?)null),
        };
        if (delay is { } wait && command is not null)
        {
            var order = _order;
            Later(wait, () =>
            {
                if (order == _order)
                {
                    Ask(name, () => name == "reprotect" && !vm.Session ? null : command, () => order != _order);
                }
            });
        }
    }

    /// <summary>
    /// Orders the end of protection, because the replica is lost. Protection begins again after that.
    /// </summary>
    public void ReplaceReplica() => Ask(
        "disable, since the replica is lost", () => new ProtectedVmCommand.Disable(false),
        () => !vm.Target.ReplicaLost);

    private ProtectedVmCommand? Order(FailoverPlan plan)
    {
        PointChoice? choice = plan.OlderThan is { } older ? OlderThan(older) : plan.Point switch
        {
            PointWish.Latest => new PointChoice.Latest(),
            PointWish.LatestApp => new PointChoice.LatestAppConsistent(),
            _ => new PointChoice.LatestProcessed(),
        };
        return choice is null ? null : plan.Kind switch
        {
            FailoverPlanKind.Planned => new ProtectedVmCommand.StartPlannedFailover(),
            FailoverPlanKind.Test => new ProtectedVmCommand.StartTestFailover(choice),
            _ => new ProtectedVmCommand.StartUnplannedFailover(choice, plan.TryShutdown),
        };
    }

    private PointChoice.Specific? OlderThan(TimeSpan age)
    {
        var before = vm.World.Scenario.Start + vm.Now - age;
        var point = vm.Core.State.Points.LastOrDefault(kept => kept.Usable && kept.Point.Time <= before);
        if (point is null)
        {
            vm.Log.Refused("no recovery point was that old");
        }

        return point is null ? null : new PointChoice.Specific(point.Id);
    }

    private void Ask(string name, Func<ProtectedVmCommand?> command, Func<bool> giveUp, int tries = 0)
    {
        if (giveUp() || tries > MaxTries)
        {
            return;
        }

        switch (command() is { } ready ? vm.Core.Tell(ready, Actor) : null)
        {
            case CommandReply.Accepted:
                return;
            case CommandReply.Refused refused:
                vm.Log.Refused($"{name}: {refused.Refusal.Code}");
                break;
            case CommandReply.Unavailable:
                vm.Log.Refused($"{name}: the service was down");
                break;
        }

        Later(vm.World.Scenario.Assumptions.AskAgainEvery, () => Ask(name, command, giveUp, tries + 1));
    }

    private void Later(TimeSpan delay, Action action) => vm.World.Queue.After(delay, action);
}
