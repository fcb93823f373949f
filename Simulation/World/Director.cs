using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>Runs the events of a plan.</summary>
internal sealed class Director(SimWorld world)
{
    /// <summary>Runs one event of the plan.</summary>
    public void Play(PlannedEvent planned)
    {
        if (planned.Vm >= world.Vms.Count)
        {
            return;
        }

        var vm = world.Vms[planned.Vm];
        if (planned is PlannedFault broken)
        {
            Break(vm, broken);
        }
        else
        {
            Operate(vm, (PlannedAction)planned);
        }
    }

    /// <summary>
    /// Repairs everything that is broken. It restarts all processes, because some of them must restart to trust their
    /// disks.
    /// </summary>
    public void Heal()
    {
        world.Journal.Heal();
        foreach (var vm in world.Vms)
        {
            vm.Wire.Heal();
            vm.RegionLostUntil = default;
            vm.Agent.Storage.FreeBytes = SimulatedStorage.Plenty;
            vm.Target.Storage.FreeBytes = SimulatedStorage.Plenty;
            vm.Agent.Clock.PutRight();
            vm.Agent.Storage.CrashAtOperation(long.MaxValue);
            vm.Target.Storage.CrashAtOperation(long.MaxValue);
            vm.Agent.Pause(TimeSpan.Zero);
            vm.Agent.Machine.GrowBack();
            vm.Agent.Die();
            vm.Ledger.Antidote?.Invoke();
        }

        world.Service.Clock.PutRight();
        world.Service.Pause(TimeSpan.Zero);
        world.Service.Die();
    }

    private void Break(SimVm vm, PlannedFault planned)
    {
        var (fault, length) = (planned.Fault, planned.Fault.LengthOf(planned));
        world.Faults.Note(fault, length);
        world.Trace.Note(fault.Name, planned.Vm);
        if (fault.IsOfTheService)
        {
            var until = world.Queue.Now + length + TimeSpan.FromMinutes(1);
            world.ServiceTroubledUntil = until > world.ServiceTroubledUntil ? until : world.ServiceTroubledUntil;
        }

        fault.Apply(world, vm, planned);
    }

    private static void Operate(SimVm vm, PlannedAction planned)
    {
        switch (planned.Action)
        {
            case SimAction.Write:
                vm.Guest.Write(planned.A, planned.B);
                break;
            case SimAction.WriteAtOnce:
                vm.Guest.WriteAtOnce(planned.A, planned.B);
                break;
            case SimAction.WriteInSync:
                vm.Agent.WriteInNextSync(planned.A, planned.B == 1);
                break;
            case SimAction.Flush:
                vm.Guest.Flush();
                break;
            case SimAction.TestWrite:
                vm.Guest.WriteTest(planned.A, planned.B);
                break;
            case SimAction.Passivate:
                vm.Host.TimeOut();
                break;
            default:
                if (CommandOf(vm, planned) is { } command)
                {
                    vm.Operator.Ask(command);
                }

                break;
        }
    }

    private static ProtectedVmCommand? CommandOf(SimVm vm, PlannedAction planned) => planned.Action switch
    {
        SimAction.MakePoint => new ProtectedVmCommand.MakeRecoveryPoint(
            (planned.A & 1) == 1 ? PointKind.App : PointKind.Crash),
        SimAction.TestFailover => new ProtectedVmCommand.StartTestFailover(Choice(vm, planned.A)),
        SimAction.CleanUp => new ProtectedVmCommand.CleanUpTestFailover("done"),
        SimAction.PlannedFailover => new ProtectedVmCommand.StartPlannedFailover(),
        SimAction.UnplannedFailover =>
            new ProtectedVmCommand.StartUnplannedFailover(Choice(vm, planned.A), (planned.A & 64) != 0),
        SimAction.ChangePoint => new ProtectedVmCommand.ChangeRecoveryPoint(Choice(vm, planned.A | 3))
        {
            TargetWrittenBytes = vm.Target.Live?.Overlay.WrittenBytes ?? 0,
            Discard = true,
        },
        SimAction.Commit => new ProtectedVmCommand.Commit(),
        SimAction.Cancel => new ProtectedVmCommand.CancelFailover(
            vm.Target.Live?.Overlay.WrittenBytes ?? 0, Discard: true),
        SimAction.Reprotect => new ProtectedVmCommand.Reprotect(Discard: planned.A % 4 != 0),
        SimAction.Failback => new ProtectedVmCommand.Failback(),
        SimAction.Pause => new ProtectedVmCommand.Pause(),
        SimAction.Resume => new ProtectedVmCommand.Resume(),
        SimAction.Resync => new ProtectedVmCommand.StartResync(),
        SimAction.Retry => new ProtectedVmCommand.RetryJob(),
        SimAction.Disable => new ProtectedVmCommand.Disable((planned.A & 1) == 1),
        SimAction.Enable => vm.Operator.Enabling(),
        SimAction.ChangePolicy => new ProtectedVmCommand.UpdatePolicy(
            vm.Operator.Policy with { Retention = TimeSpan.FromMinutes((planned.A & 1) == 0 ? 25 : 24 * 60) }),
        _ => null,
    };

    private static PointChoice Choice(SimVm vm, long draw)
    {
        var points = vm.Host.State?.Points.Where(p => p.Usable).ToArray() ?? [];
        return (draw & 3) switch
        {
            0 or 1 => new PointChoice.Latest(),
            2 => new PointChoice.LatestProcessed(),
            _ when points.Length > 0 => new PointChoice.Specific(points[(int)((draw >> 8) % points.Length)].Id),
            _ => new PointChoice.Latest(),
        };
    }
}
