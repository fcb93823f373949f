using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>Carries out, on the model, what an entity asks of the outside.</summary>
internal sealed class VmEffects(VmModel vm)
{
    private static readonly TimeSpan DrainWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan Local = TimeSpan.FromMilliseconds(50);

    private readonly List<(ProtectedVmEffect Effect, Func<ProtectedVmCommand?> Outcome)> _waiting = [];
    private long _service;

    /// <summary>Carries one out, after the time that the way to the agent and back takes.</summary>
    public void Dispatch(ProtectedVmEffect effect)
    {
        var service = _service;
        var takes = effect is ProtectedVmEffect.PrepareFailover or ProtectedVmEffect.SwitchRecoveredPoint
            or ProtectedVmEffect.StartTestFailover ? vm.World.Scenario.Assumptions.PrepareFailover
            : Local + (2 * vm.Link.Quality.Latency);
        vm.World.Queue.After(takes, () =>
        {
            if (service == _service && vm.Core.Running && IsOutstanding(effect))
            {
                vm.Advance(vm.Now);
                Run(effect);
            }
        });
    }

    /// <summary>The service went down: what it was about to do it will be asked for again.</summary>
    public void ServiceStopped()
    {
        _service++;
        _waiting.Clear();
    }

    /// <summary>Looks whether anything that was waited for has come.</summary>
    public void Look()
    {
        for (var i = _waiting.Count - 1; i >= 0; i--)
        {
            var (effect, outcome) = _waiting[i];
            if (!IsOutstanding(effect))
            {
                _waiting.RemoveAt(i);
            }
            else if (outcome() is { } command)
            {
                _waiting.RemoveAt(i);
                vm.Core.Tell(command);
            }
        }
    }

    /// <summary>The agent connected: it is told what its side is to be.</summary>
    public void Welcome()
    {
        Direct();
        vm.Confirmed = true;
        vm.Core.Tell(new ProtectedVmCommand.RecordAgentConnected());
    }

    private static bool NeedsNoLook(ProtectedVmEffect effect) =>
        effect is ProtectedVmEffect.TakeRecoveryPoint or ProtectedVmEffect.PrunePoints;

    private bool IsOutstanding(ProtectedVmEffect effect) => NeedsNoLook(effect)
        || ProtectedVm.Outstanding(vm.Core.State).Any(outstanding => outstanding.Id == effect.Id);

    private void Run(ProtectedVmEffect effect)
    {
        if (NeedsAgent(effect) && !vm.Session)
        {
            Failed(effect, $"Agent '{vm.Plan.Name}' is not connected.");
            return;
        }

        switch (effect)
        {
            case ProtectedVmEffect.CheckPrerequisites check:
                Succeeded(effect, new EffectResult.PrerequisitesMet(check.Disks));
                break;
            case ProtectedVmEffect.TakeRecoveryPoint take:
                vm.InsertMarker(new Marker(take.Point, take.PointKind, vm.Tail(), vm.Forward.Generation));
                Succeeded(effect, new EffectResult.Done());
                break;
            case ProtectedVmEffect.PrunePoints prune:
                vm.Points.Drop(id => prune.Points.Contains(id));
                Succeeded(effect, new EffectResult.Done());
                break;
            case ProtectedVmEffect.QuiesceSource quiesce:
                Direct();
                Await(effect, () => Quiesced(quiesce));
                break;
            case ProtectedVmEffect.PrepareFailover { Point: var point }:
                WithPoint(effect, point, FailedOver);
                break;
            case ProtectedVmEffect.SwitchRecoveredPoint change:
                WithPoint(effect, new ChosenPoint(change.Point, false), FailedOver);
                break;
            case ProtectedVmEffect.StartTestFailover { Point: var point }:
                WithPoint(effect, point, held => new EffectResult.TestFailoverReady(held.Point, vm.Plan.Disks.Count));
                break;
            case ProtectedVmEffect.QuiesceTarget quiesce:
                vm.LiveQuiesced = true;
                vm.UpdateWrites();
                Await(effect, () => vm.Reverse.CaughtUp && vm.Session
                    ? Success(quiesce, new EffectResult.Quiesced(Tail(vm.Reverse), false)) : null);
                break;
            default:
                Change(effect);
                Succeeded(effect, new EffectResult.Done());
                break;
        }
    }

    private static bool NeedsAgent(ProtectedVmEffect effect) => effect is ProtectedVmEffect.CheckPrerequisites
        or ProtectedVmEffect.AttachSource or ProtectedVmEffect.StartInitialReplication
        or ProtectedVmEffect.PauseReplication or ProtectedVmEffect.ResumeReplication or ProtectedVmEffect.StartResync
        or ProtectedVmEffect.TakeRecoveryPoint or ProtectedVmEffect.QuiesceSource or ProtectedVmEffect.FenceSource
        or ProtectedVmEffect.PromoteSource or ProtectedVmEffect.StartReverseReplication
        or ProtectedVmEffect.StartForwardReplication;

    private void Change(ProtectedVmEffect effect)
    {
        var now = vm.Now;
        switch (effect)
        {
            case ProtectedVmEffect.PrepareTarget:
                vm.ReplicaLost = false;
                vm.Forward.Reset(now);
                break;
            case ProtectedVmEffect.StartInitialReplication:
                vm.Replicating = true;
                var copies = vm.Log.Enabled > 1 || !vm.World.Scenario.Assumptions.InitialCopyDone;
                vm.Forward.StartCopy(
                    copies ? vm.Plan.Used : 0, copies ? vm.Plan.Used : 0, ResyncReason.TransferFailed);
                break;
            case ProtectedVmEffect.StartResync:
                vm.Forward.StartCopy(vm.Plan.Used, 0, ResyncReason.UserRequest);
                break;
            case ProtectedVmEffect.CommitFailover commit:
                vm.Points.Drop(id => id != commit.Point);
                break;
            case ProtectedVmEffect.CancelFailover { Direction: Direction.ToRecovery }:
                vm.Live = false;
                break;
            case ProtectedVmEffect.CancelFailover:
                vm.LiveQuiesced = false;
                break;
            case ProtectedVmEffect.StartReverseReplication:
                vm.Reverse.EndTracking(vm.Divergent, now);
                break;
            case ProtectedVmEffect.PromoteSource:
                vm.Forward.Track(now);
                vm.BootedAt = now + vm.Plan.Boot;
                break;
            case ProtectedVmEffect.CommitFailback:
                vm.Live = false;
                break;
            case ProtectedVmEffect.StartForwardReplication:
                vm.Points.Drop(_ => true);
                vm.Forward.EndTracking(0, now);
                break;
            case ProtectedVmEffect.ReleaseProtection:
                vm.Replicating = false;
                vm.Points.Drop(_ => true);
                vm.DropMarkers();
                break;
        }

        if (vm.Session)
        {
            Direct();
        }

        vm.World.Queue.After(TimeSpan.Zero, vm.Refresh);
    }

    /// <summary>The source side becomes what the phase asks of it.</summary>
    private void Direct()
    {
        if (SourceDuty.Of(vm.Core.State) is not { Role: var role })
        {
            return;
        }

        if (role == SourceRole.Fenced && vm.Role != SourceRole.Fenced)
        {
            vm.Log.SourceFenced(vm);
        }

        vm.Role = role;
        vm.Advance(vm.Now);
        vm.World.Queue.After(TimeSpan.Zero, vm.Refresh);
    }

    private ProtectedVmCommand? Quiesced(ProtectedVmEffect.QuiesceSource quiesce)
    {
        if (vm.Forward.CaughtUp && vm.Session)
        {
            return Success(quiesce, new EffectResult.Quiesced(Tail(vm.Forward), true));
        }

        var lost = vm.AwaySince is { } since && vm.Now - since >= vm.World.Scenario.Assumptions.AgentLostAfter;
        return lost ? Failure(quiesce, $"Agent '{vm.Plan.Name}' is not connected.") : null;
    }

    /// <summary>
    /// With a point that exists, or with one that is sealed now: after all that the source has arrived, if it is there
    /// and that takes less than a minute; else of what was received.
    /// </summary>
    private void WithPoint(ProtectedVmEffect effect, ChosenPoint point, Func<HeldPoint, EffectResult> result)
    {
        var tail = vm.Tail();
        var until = vm.Now + DrainWithin;
        var drains = point.SealNow && vm.Session && vm.Role is SourceRole.Primary or SourceRole.Quiesced;
        Await(effect, () =>
        {
            if (point.SealNow && vm.Points.Find(point.Id) is null)
            {
                if (drains && vm.Session && vm.Now < until && vm.Forward.Shipped + 64 < tail.Logged)
                {
                    vm.World.Queue.At(until, vm.Look);
                    return null;
                }

                vm.Points.Seal(
                    new Marker(point.Id, PointKind.Crash, vm.Forward.Replica(), vm.Forward.Generation),
                    vm.World.Scenario.Start, vm.Forward.Spread);
            }

            return vm.Points.Find(point.Id) is { } held ? Success(effect, result(held)) : new
                ProtectedVmCommand.RecordEffectFailed(effect.Id, EffectError.Of(
                    ErrorClass.NonRecoverable, "The replica does not hold the point.", "Choose another."));
        });
    }

    private EffectResult FailedOver(HeldPoint held)
    {
        (vm.Live, vm.LiveQuiesced, vm.LiveFrom) = (true, false, vm.Now + vm.Plan.Boot);
        vm.Reverse.Track(vm.Now);
        vm.Divergent = vm.Forward.Written - held.Written;
        vm.Log.TookOver(vm, held);
        vm.World.Queue.After(TimeSpan.Zero, vm.Refresh);
        var bound = vm.World.Scenario.Start + vm.Now - held.Point.Time;
        return new EffectResult.FailoverReady(
            held.Point, bound < TimeSpan.Zero ? TimeSpan.Zero : bound, vm.Plan.Disks.Count);
    }

    private void Await(ProtectedVmEffect effect, Func<ProtectedVmCommand?> outcome)
    {
        _waiting.Add((effect, outcome));
        Look();
    }

    private Lsn Tail(FluidVolume volume) => new((long)(volume.Logged / vm.Plan.WriteSize));

    private void Succeeded(ProtectedVmEffect effect, EffectResult result) => vm.Core.Tell(Success(effect, result));

    private void Failed(ProtectedVmEffect effect, string reason) => vm.Core.Tell(Failure(effect, reason));

    private static ProtectedVmCommand.RecordEffectSucceeded Success(ProtectedVmEffect effect, EffectResult result) =>
        new(effect.Id, result);

    private static ProtectedVmCommand.RecordEffectFailed Failure(ProtectedVmEffect effect, string reason) =>
        new(effect.Id, EffectError.Of(
            ErrorClass.Recoverable, reason, "Start the agent, or see why it cannot reach the service."));
}
