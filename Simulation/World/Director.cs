using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Simulation.Faults;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>Plays a plan's events.</summary>
internal sealed class Director(SimWorld world)
{
    private const long Plenty = long.MaxValue / 2;

    /// <summary>Lets one thing happen.</summary>
    public void Play(PlannedEvent planned)
    {
        if (planned.Vm >= world.Vms.Count)
        {
            return;
        }

        var vm = world.Vms[planned.Vm];
        if (Swarm.IsFault(planned.Action))
        {
            world.Faults.Note(planned.Action, LengthOf(planned));
            world.Trace.Note(planned.Action.ToString(), planned.Vm);
            if (Swarm.IsOfTheService(planned.Action))
            {
                var until = world.Queue.Now + LengthOf(planned) + TimeSpan.FromMinutes(1);
                world.ServiceTroubledUntil = until > world.ServiceTroubledUntil ? until : world.ServiceTroubledUntil;
            }

            Break(vm, planned);
        }
        else
        {
            Operate(vm, planned);
        }
    }

    /// <summary>Everything that is broken works again; processes that need a restart to trust their disks get
    /// one.</summary>
    public void Heal()
    {
        world.Journal.Heal();
        foreach (var vm in world.Vms)
        {
            vm.Wire.Heal();
            vm.RegionLostUntil = default;
            vm.Agent.Storage.FreeBytes = Plenty;
            vm.Target.Storage.FreeBytes = Plenty;
            vm.Agent.Clock.PutRight();
            vm.Agent.Storage.CrashAtOperation(long.MaxValue);
            vm.Target.Storage.CrashAtOperation(long.MaxValue);
            vm.Agent.Pause(TimeSpan.Zero);
            vm.Agent.Machine.GrowBack();
            vm.Agent.Die();
            vm.Antidote?.Invoke();
        }

        world.Service.Clock.PutRight();
        world.Service.Pause(TimeSpan.Zero);
        world.Service.Die();
    }

    /// <summary>How long a fault lasts; those that happen at a moment are followed for half a minute.</summary>
    private static TimeSpan LengthOf(PlannedEvent planned) => planned.Action is SimAction.AgentKill
        or SimAction.AgentPowerCut or SimAction.ServiceKill or SimAction.ServicePowerCut or SimAction.ClockJump
        or SimAction.Rot or SimAction.Misdirect or SimAction.Poison or SimAction.AgentSyncFails
        or SimAction.TargetSyncFails or SimAction.JournalUnknown or SimAction.HostSnapshot or SimAction.HostRevert
        or SimAction.HostSwap or SimAction.DiskGrow
            ? TimeSpan.FromSeconds(30) : TimeSpan.FromMilliseconds(planned.A);

    private static void Operate(SimVm vm, PlannedEvent planned)
    {
        switch (planned.Action)
        {
            case SimAction.Write:
                vm.Write(planned.A, planned.B);
                break;
            case SimAction.WriteAtOnce:
                vm.WriteAtOnce(planned.A, planned.B);
                break;
            case SimAction.WriteInSync:
                vm.Agent.WriteInNextSync(planned.A, planned.B == 1);
                break;
            case SimAction.Flush:
                vm.Flush();
                break;
            case SimAction.TestWrite:
                vm.WriteTest(planned.A, planned.B);
                break;
            case SimAction.Passivate:
                vm.Host.TimeOut();
                break;
            default:
                if (CommandOf(vm, planned) is { } command)
                {
                    vm.Ask(command);
                }

                break;
        }
    }

    private static ProtectedVmCommand? CommandOf(SimVm vm, PlannedEvent planned) => planned.Action switch
    {
        SimAction.MakePoint => new ProtectedVmCommand.MakeRecoveryPoint(
            (planned.A & 1) == 1 ? PointKind.App : PointKind.Crash),
        SimAction.TestFailover => new ProtectedVmCommand.StartTestFailover(Choice(vm, planned.A)),
        SimAction.CleanUp => new ProtectedVmCommand.CleanUpTestFailover("done"),
        SimAction.PlannedFailover => new ProtectedVmCommand.StartPlannedFailover(),
        SimAction.UnplannedFailover =>
            new ProtectedVmCommand.StartUnplannedFailover(Choice(vm, planned.A), (planned.A & 64) != 0),
        SimAction.ChangePoint => new ProtectedVmCommand.ChangeRecoveryPoint(Choice(vm, planned.A | 3)),
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
        SimAction.Enable => vm.Enabling(),
        SimAction.ChangePolicy => new ProtectedVmCommand.UpdatePolicy(
            vm.Policy with { Retention = TimeSpan.FromMinutes((planned.A & 1) == 0 ? 25 : 24 * 60) }),
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

    private void Break(SimVm vm, PlannedEvent planned)
    {
        var length = LengthOf(planned);
        switch (planned.Action)
        {
            case SimAction.AgentKill or SimAction.AgentPowerCut:
                vm.Agent.PowerCutNext |= planned.Action == SimAction.AgentPowerCut;
                vm.SourceCut |= planned.Action == SimAction.AgentPowerCut;
                DieWithin(vm.Agent, vm.Agent.Storage, planned.A);
                break;
            case SimAction.ServiceKill or SimAction.ServicePowerCut:
                world.Service.PowerCutNext |= planned.Action == SimAction.ServicePowerCut;
                DieWithin(world.Service, vm.Target.Storage, planned.A);
                break;
            case SimAction.AgentPause:
                vm.Agent.Pause(length);
                break;
            case SimAction.ServicePause:
                world.Service.Pause(length);
                break;
            case SimAction.Rot:
                Rot(vm, planned.A);
                break;
            case SimAction.Misdirect:
                Misdirect(vm, planned.A);
                break;
            case SimAction.Poison:
                Poison(vm, planned.A);
                break;
            case SimAction.RegionLost:
                vm.RegionLostUntil = world.Queue.Now + length;
                vm.Agent.PowerCutNext = vm.SourceCut = true;
                vm.Agent.Die();
                break;
            case SimAction.ClockJump:
                var set = planned.B == 1 ? world.Service.Clock : vm.Agent.Clock;
                world.ServiceClockSet |= planned.B == 1;
                set.Jump(TimeSpan.FromMilliseconds(planned.A));
                break;
            case SimAction.AgentSyncFails:
                vm.SyncBroken = true;
                FailNextSync(vm.Agent.Storage);
                break;
            case SimAction.TargetSyncFails:
                vm.TargetSyncBroken = true;
                FailNextSync(vm.Target.Storage);
                break;
            case SimAction.HostSnapshot or SimAction.HostRevert or SimAction.HostSwap or SimAction.DiskGrow
                or SimAction.DiskShrink:
                vm.Agent.Machine.Change(planned);
                break;
            default:
                BreakLinkOrSpace(vm, planned, length);
                break;
        }
    }

    private void BreakLinkOrSpace(SimVm vm, PlannedEvent planned, TimeSpan length)
    {
        switch (planned.Action)
        {
            case SimAction.LinkCut:
                vm.Wire.Cut(true, length);
                vm.Wire.Cut(false, length);
                break;
            case SimAction.LinkOneWay:
                vm.Wire.Cut(planned.B == 1, length);
                break;
            case SimAction.LinkStall:
                Ways(planned.B, toService => vm.Wire.Stall(toService, length));
                break;
            case SimAction.LinkHalfOpen:
                world.Sometimes.Count(Probes.HalfOpen);
                vm.Target.Session?.Forget(toReceiver: (planned.B & 1) != 0, toSender: (planned.B & 2) != 0);
                Ways(planned.B, toService => vm.Wire.Cut(toService, length));
                break;
            case SimAction.LinkSlow:
                vm.Wire.Slow(length, TimeSpan.FromMilliseconds(planned.B));
                break;
            case SimAction.LinkLossy:
                vm.Wire.Lossy(length);
                break;
            case SimAction.JournalUnknown:
                world.Journal.NextUnknown(planned.A == 1);
                break;
            case SimAction.JournalFull:
                world.Journal.Fill(length);
                break;
            case SimAction.Rival:
                TakeForDead(length);
                break;
            case SimAction.JournalTrouble:
                world.Journal.Trouble(length);
                break;
            case SimAction.JournalStall:
                world.Journal.Stall(length);
                break;
            case SimAction.AgentDiskFull:
                Fill(vm.Agent.Storage, planned);
                break;
            case SimAction.TargetDiskFull:
                Fill(vm.Target.Storage, planned);
                break;
            default:
                throw new InvalidOperationException($"{planned.Action} is no fault.");
        }
    }

    /// <summary>Owners of entities that are thought dead go on beside those that take their places.</summary>
    private void TakeForDead(TimeSpan length)
    {
        world.Journal.TakeForDead(length);
        if (world.Service.Alive)
        {
            world.Vms.ForEach(vm => vm.Host.TakeForDead());
            world.Service.After(length, () => world.Vms.ForEach(vm => vm.Host.BuryTheDead()));
        }
    }

    private static void Ways(long bits, Action<bool> each)
    {
        if ((bits & 1) != 0)
        {
            each(true);
        }

        if ((bits & 2) != 0)
        {
            each(false);
        }
    }

    private void Fill(SimulatedStorage storage, PlannedEvent planned)
    {
        storage.FreeBytes = planned.B;
        world.Queue.After(TimeSpan.FromMilliseconds(planned.A), () => storage.FreeBytes = Plenty);
    }

    private static void DieWithin(Node node, SimulatedStorage storage, long operations)
    {
        if (operations == 0)
        {
            node.Die();
        }
        else
        {
            storage.CrashAtOperation(storage.Operations + operations);
        }
    }

    // Not the heartbeat's, which comes most often and whose loss costs a comparison at most.
    private static void FailNextSync(SimulatedStorage storage)
    {
        var failed = false;
        storage.FailsToSync = path =>
        {
            var fails = !failed && !path.EndsWith("/seen", StringComparison.Ordinal);
            failed |= fails;
            return fails;
        };
    }

    private void Rot(SimVm vm, long draw)
    {
        var random = new SplittableRandom((ulong)draw);
        var paths = vm.Target.Storage.Paths().Where(p => p.StartsWith("replica/", StringComparison.Ordinal)
            && vm.Target.Storage.LengthOf(p) > 0).ToArray();
        if (paths.Length == 0)
        {
            return;
        }

        vm.Damaged = true;
        var path = random.Pick(paths);
        var content = vm.Target.Storage.Content(path);
        var at = random.Next(content.Length);
        for (var i = 0; i < 64 && content[at] == 0; i++)
        {
            // Where something is stored, if the dice find such a place: a flip in a hole shows little.
            at = random.Next(content.Length);
        }

        world.Trace.Note($"rotten in {path}", at);
        vm.Target.Storage.Flip(path, at, random.Next(8));
    }

    private void Misdirect(SimVm vm, long draw)
    {
        vm.Damaged = true;
        var used = false;
        vm.Target.Storage.Misdirects = (path, offset) =>
        {
            if (used || !path.StartsWith("replica/", StringComparison.Ordinal))
            {
                return offset;
            }

            used = true;
            var elsewhere = ((draw % 64) * 512) + 512;
            world.Trace.Note($"misdirected in {path} from {offset}", elsewhere);
            return elsewhere;
        };
    }

    private void Poison(SimVm vm, long draw)
    {
        if (vm.Antidote is not null || world.Journal.Poison(vm.Id, draw) is not { } antidote)
        {
            return;
        }

        vm.Antidote = () =>
        {
            antidote();
            vm.Antidote = null;
        };
        world.Service.Die();
    }
}
