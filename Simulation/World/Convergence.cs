using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Checkers;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// The liveness phase: no new faults happen, and an operator runs the operations that each VM offers until it is
/// protected again. Then replication must be in sync, backlogs empty, jobs ended, and recovery points made every 300 ±
/// 30 s.
/// </summary>
internal sealed class Convergence(SimWorld world)
{
    private static readonly TimeSpan Within = TimeSpan.FromMinutes(90);
    private static readonly TimeSpan Watched = TimeSpan.FromMinutes(21);
    private static readonly TimeSpan InFlight = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan AskEvery = TimeSpan.FromSeconds(40);

    /// <summary>Runs the liveness phase.</summary>
    public void Demand()
    {
        var deadline = world.Queue.Now + Within;
        while (world.Vms.Any(vm => !IsExempt(vm) && !IsCalm(vm)))
        {
            if (world.Queue.Now >= deadline)
            {
                var stuck = world.Vms.First(vm => !IsExempt(vm) && !IsCalm(vm));
                throw new InvariantBrokenException("liveness", $"{stuck.Name} is not calm {Within} after healing: "
                    + Describe(stuck));
            }

            foreach (var vm in world.Vms)
            {
                Nudge(vm);
            }

            world.RunUntil(world.Queue.Now + AskEvery);
        }

        var from = world.Queue.Now;
        world.RunUntil(from + Watched);
        foreach (var vm in world.Vms.Where(vm => !IsExempt(vm)))
        {
            CheckCadence(vm, from);

            // A write or marker of this moment may still be in transit.
            if (!IsCalm(vm) && !world.RunUntil(world.Queue.Now + InFlight, () => IsCalm(vm)))
            {
                throw new InvariantBrokenException("liveness", $"{vm.Name} does not stay calm: " + Describe(vm));
            }
        }
    }

    /// <summary>
    /// Returns whether a VM is exempt from liveness. Damage to the replica may end in a state that only an operator
    /// with a new disk can repair. A machine whose protection ended while it ran at the target side is no longer the
    /// engine's.
    /// </summary>
    private static bool IsExempt(SimVm vm) =>
        vm.Ledger.Damaged || HasOutgrown(vm)
        || vm.Host.State is { Phase: Phase.Disabled { Primary: PrimarySide.Target } };

    /// <summary>
    /// Returns whether a disk of the source has grown beyond the disk of the recovered machine. The recovered machine
    /// cannot follow it, so an operator must protect the VM again.
    /// </summary>
    private static bool HasOutgrown(SimVm vm) =>
        vm.Target.Live is { } live && live.Overlay.Disks.Where((d, i) => vm.Agent.Machine.SizeOf(i) > d.Length).Any();

    private bool IsCalm(SimVm vm) =>
        world.Service.Alive && vm.Agent is { Alive: true, Session: { Open: true, Streaming: true } session }
        && vm.Host.State is { Phase: Phase.Protected, Replication.Status: ReplicationStatus.Running,
            TestFailover: TestFailover.None } state
        && state.Retries.Count == 0 && state.Replication.Fault is null
        && state.Jobs.All(job => job.Outcome != JobOutcome.Running || job.Kind == JobKind.RecoveryPoint)
        && vm.Agent.Volume?.Counters() is { Mode: CaptureMode.Logging, DirtyBytes: 0 } counters
        && session.Durable.CompareTo(counters.Tail) >= 0;

    private static string Describe(SimVm vm)
    {
        var state = vm.Host.State;
        var counters = vm.Agent.Volume?.Counters();
        return $"phase {state?.Phase}, replication {state?.Replication}, retries {state?.Retries.Count}, test "
            + $"{state?.TestFailover}, core {vm.Host.Phase}, role {vm.Agent.Role}, condition "
            + $"{vm.Agent.Volume?.Condition}, dirty {counters?.DirtyBytes}, tail {counters?.Tail}, session "
            + $"{vm.Agent.Session?.Open} {vm.Agent.Session?.Streaming} {vm.Agent.Session?.Durable}, store "
            + $"{vm.Target.Store?.Position}, fault {vm.Target.Volume?.Fault}, jobs "
            + string.Join(',', state?.Jobs.Where(j => j.Outcome == JobOutcome.Running).Select(j => j.Kind) ?? []);
    }

    private static void Nudge(SimVm vm)
    {
        if (vm.Host.Phase == Actors.Entities.EntityPhase.Quarantined)
        {
            vm.Host.LiftQuarantine();
        }

        if (vm.Host.State is not { } state)
        {
            return;
        }

        var offered = ProtectedVmOperations.Offered(state);
        ProtectedVmCommand? command =
            offered.Contains(Operation.CleanUpTestFailover) ? new ProtectedVmCommand.CleanUpTestFailover("")
            : offered.Contains(Operation.Enable) ? vm.Operator.Enabling()
            : offered.Contains(Operation.Commit) ? new ProtectedVmCommand.Commit()
            : offered.Contains(Operation.Reprotect) ? new ProtectedVmCommand.Reprotect(Discard: true)
            : offered.Contains(Operation.Failback) ? new ProtectedVmCommand.Failback()
            : offered.Contains(Operation.Resume) ? new ProtectedVmCommand.Resume()
            : offered.Contains(Operation.RetryJob) ? new ProtectedVmCommand.RetryJob()
            : state.Replication.Status == ReplicationStatus.ResyncRequired && offered.Contains(Operation.Resync)
                ? new ProtectedVmCommand.StartResync()
            : null;
        if (command is not null)
        {
            vm.Operator.Ask(command);
        }
    }

    private void CheckCadence(SimVm vm, TimeSpan from)
    {
        var times = (vm.Target.Store?.Points ?? [])
            .Where(p => !vm.Ledger.SeenAt.TryGetValue(p.Id, out var seen) || seen >= from)
            .Select(p => p.Time - SimWorld.Start)
            .Where(t => t >= from && t <= world.Queue.Now).Order().ToList();
        if (times.Count < 3)
        {
            throw new InvariantBrokenException(
                "liveness", $"{vm.Name} made {times.Count} points in {Watched} of calm: {Describe(vm)}");
        }

        for (var i = 1; i < times.Count; i++)
        {
            var gap = (times[i] - times[i - 1]).TotalSeconds;
            if (gap is < 270 or > 330)
            {
                throw new InvariantBrokenException("liveness", $"{vm.Name} made points {gap:0.0} s apart in calm.");
            }
        }
    }
}
