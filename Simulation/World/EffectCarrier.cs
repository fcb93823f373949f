using ReplicationEngine.Actors.Entities;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.ProtectedVms;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// Carries out what VMs ask of the outside, within one life of the service, as the service's own runner does: one at a
/// time per VM but for points, idempotent, given up when no longer owed.
/// </summary>
internal sealed class EffectCarrier(SimWorld world, ServiceNode service)
{
    private static readonly EffectResult.Done Done = new();
    private static readonly TimeSpan Poll = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMinutes(2);
    private readonly Dictionary<SimVm, Queue<TaskCompletionSource>> _gates = [];
    private readonly int _life = service.Life;

    /// <summary>Begins to carry out an effect.</summary>
    public void Dispatch(SimVm vm, ProtectedVmEffect effect) =>
        service.After(TimeSpan.FromMilliseconds(1), () => world.Run(() => HandleAsync(vm, effect), service));

    /// <summary>Tells an agent that came what it is to be, and the VM that it is there.</summary>
    public void Welcome(SimVm vm) => world.Run(
        async () =>
        {
            if (vm.Host.State is not { } state || state.Phase is Phase.NotProtected)
            {
                return;
            }

            try
            {
                if (state.Phase is not Phase.Enabling { Step: EnableStep.CheckingPrerequisites })
                {
                    await DirectAsync(vm, state);
                }
            }
            catch (EffectFailedException)
            {
                world.Trace.Note("not directed");
            }

            var id = EntityHost.IdOf($"{vm.Name}|connected|{vm.Host.Sequence}");
            _ = vm.AskAsync(id, "engine", new ProtectedVmCommand.RecordAgentConnected());
        },
        service);

    private async Task HandleAsync(SimVm vm, ProtectedVmEffect effect)
    {
        var gated = effect.Kind is not EffectKind.TakeRecoveryPoint;
        if (gated)
        {
            await EnterAsync(vm);
            CheckLife();
        }

        try
        {
            var state = await StateAsync(vm);
            service.Restore(vm, state);
            if (!IsOwed(state, effect))
            {
                return;
            }

            var outcome = await OutcomeAsync(vm, state, effect);
            CheckLife();
            if (outcome is not null)
            {
                var failed = outcome as ProtectedVmCommand.RecordEffectFailed;
                world.Trace.Note(
                    failed is null ? effect.Kind.ToString() : $"{effect.Kind}: {failed.Error.Message}",
                    failed is null ? 1 : 0);
                var id = EntityHost.IdOf($"{vm.Id}|{effect.Id}|{outcome.GetType().Name}");
                await TellAsync(vm, id, outcome);
            }
        }
        finally
        {
            if (gated)
            {
                Leave(vm);
            }
        }
    }

    /// <summary>Waits for the VM's turn. No semaphore: its waiters go on on the thread pool.</summary>
    private Task EnterAsync(SimVm vm)
    {
        if (_gates.TryGetValue(vm, out var waiting))
        {
            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            waiting.Enqueue(turn);
            return turn.Task;
        }

        _gates[vm] = new Queue<TaskCompletionSource>();
        return Task.CompletedTask;
    }

    private void Leave(SimVm vm)
    {
        if (_gates[vm].TryDequeue(out var next))
        {
            next.SetResult();
        }
        else
        {
            _gates.Remove(vm);
        }
    }

    /// <summary>Tells until it is taken or refused, as the engine's command sink does.</summary>
    private async Task TellAsync(SimVm vm, CommandId id, ProtectedVmCommand outcome)
    {
        while (await vm.AskAsync(id, "engine", outcome) is CommandReply.Unavailable)
        {
            await DelayAsync(TimeSpan.FromSeconds(1));
        }
    }

    private async Task<ProtectedVmCommand?> OutcomeAsync(SimVm vm, ProtectedVmState state, ProtectedVmEffect effect)
    {
        try
        {
            var result = await ResultAsync(vm, state, effect);
            return new ProtectedVmCommand.RecordEffectSucceeded(effect.Id, result);
        }
        catch (EffectFailedException e)
        {
            return new ProtectedVmCommand.RecordEffectFailed(effect.Id, e.Error);
        }
        catch (GivenUpException)
        {
            return null;
        }
        catch (IOException e)
        {
            var recoverable = e is not (ReplicaCorruptException
                or ReplicaRefusedException { Reason: not ReplicaRefusal.Unavailable });
            return new ProtectedVmCommand.RecordEffectFailed(effect.Id, EffectError.Of(
                recoverable ? ErrorClass.Recoverable : ErrorClass.NonRecoverable, e.Message, "See the storage."));
        }
    }

    private Task<EffectResult> ResultAsync(SimVm vm, ProtectedVmState state, ProtectedVmEffect effect) => effect switch
    {
        ProtectedVmEffect.CheckPrerequisites check => CheckAsync(vm, check),
        ProtectedVmEffect.PrepareTarget prepare => Did(() => vm.Target.Prepare(prepare.Term)),
        ProtectedVmEffect.AttachSource or ProtectedVmEffect.StartInitialReplication
            or ProtectedVmEffect.PauseReplication or ProtectedVmEffect.ResumeReplication
            or ProtectedVmEffect.FenceSource or ProtectedVmEffect.PromoteSource => DirectedAsync(vm, state),
        ProtectedVmEffect.StartResync => ResyncAsync(vm, state),
        ProtectedVmEffect.FinalizeProtection => Task.FromResult<EffectResult>(Done),
        ProtectedVmEffect.TakeRecoveryPoint take => TakeAsync(vm, take),
        ProtectedVmEffect.PrunePoints prune => Did(() => vm.Target.Prune(prune.Points)),
        ProtectedVmEffect.StartTestFailover test => TestAsync(vm, effect, test),
        ProtectedVmEffect.CleanUpTestFailover => Did(() =>
        {
            vm.Target.RemoveTest();
            vm.TestRemoved();
        }),
        ProtectedVmEffect.QuiesceSource quiesce => QuiesceAsync(vm, state, quiesce),
        ProtectedVmEffect.PrepareFailover prepare => FailOverAsync(vm, effect, prepare),
        ProtectedVmEffect.SwitchRecoveredPoint change => Task.FromResult(Ready(vm, () =>
            vm.Target.Switch(change.Point, state.Term))),
        ProtectedVmEffect.CommitFailover commit => Did(() => vm.Target.Settle(commit.Point)),
        ProtectedVmEffect.CancelFailover cancel => CancelAsync(vm, state, cancel),
        ProtectedVmEffect.StartReverseReplication => ReverseAsync(vm, state),
        ProtectedVmEffect.QuiesceTarget => QuiesceTargetAsync(vm, effect),
        ProtectedVmEffect.CommitFailback => Did(() =>
        {
            vm.Target.Adopt();
            vm.LiveEnded(adopted: true);
        }),
        ProtectedVmEffect.StartForwardReplication forward => ForwardAsync(vm, state, forward),
        ProtectedVmEffect.ReleaseProtection release => ReleaseAsync(vm, state, release),
        _ => throw new InvalidOperationException($"Effect {effect.Kind} has no one to carry it out."),
    };

    private async Task<EffectResult> CheckAsync(SimVm vm, ProtectedVmEffect.CheckPrerequisites check)
    {
        await AskAsync(vm, agent => agent.Alive);
        return new EffectResult.PrerequisitesMet(
            check.Disks.Select((d, i) => new ProtectedDisk(d.Path, vm.Shape.Sizes[i])).ToValueList());
    }

    private async Task<EffectResult> DirectedAsync(SimVm vm, ProtectedVmState state)
    {
        await DirectAsync(vm, state);
        return Done;
    }

    private Task<EffectResult> ResyncAsync(SimVm vm, ProtectedVmState state)
    {
        vm.Target.ForgetFault();
        if (state.Phase is Phase.ProtectedReverse)
        {
            vm.Target.RequireLive().Source!.MarkAllDirty(SourceCause.UserRequest);
        }

        return DirectedAsync(vm, state);
    }

    private async Task<EffectResult> TakeAsync(SimVm vm, ProtectedVmEffect.TakeRecoveryPoint take)
    {
        await AskAsync(vm, agent => agent.Mark(take.Point));
        return Done;
    }

    private async Task<EffectResult> TestAsync(
        SimVm vm, ProtectedVmEffect effect, ProtectedVmEffect.StartTestFailover test)
    {
        if (test.Point.SealNow)
        {
            await SealAsync(vm, effect, test.Point.Id);
        }

        var copy = vm.Target.StartTest(test.Point.Id);
        vm.TestStarted(copy);
        return new EffectResult.TestFailoverReady(FactTeller.Describe(copy.Point), copy.Overlay.Disks.Count);
    }

    private async Task SealAsync(SimVm vm, ProtectedVmEffect effect, RecoveryPointId point)
    {
        if (vm.Target.HasPoint(point))
        {
            return;
        }

        if (world.Parts.WaitsForSource && vm.Target.Receiving && service.IsConnected(vm)
            && await TryDrainAsync(vm, effect, point))
        {
            return;
        }

        vm.Target.SealNow(point);
    }

    private async Task<bool> TryDrainAsync(SimVm vm, ProtectedVmEffect effect, RecoveryPointId point)
    {
        try
        {
            var marker = await AskAsync(vm, agent => agent.Mark(point));
            return await ReachAsync(vm, effect, marker.Position, TimeSpan.FromSeconds(60))
                && vm.Target.HasPoint(point);
        }
        catch (EffectFailedException)
        {
            return false;
        }
    }

    private async Task<EffectResult> QuiesceAsync(
        SimVm vm, ProtectedVmState state, ProtectedVmEffect.QuiesceSource quiesce)
    {
        var duty = SourceDuty.Of(state)!;
        while (true)
        {
            var report = await DirectAsync(vm, state);
            var tail = report.Counters?.Tail ?? default;
            if (world.Parts.WaitsForSource && quiesce.Drain
                && !await ReachAsync(vm, quiesce, tail, quiesce.BestEffort ? TimeSpan.FromSeconds(5) : null))
            {
                throw Failed("Nothing has come from the source for a while.");
            }

            var confirmed = report.Role == duty.Role && report.Term == duty.Term;
            if (quiesce.BestEffort || !confirmed || !world.Parts.WaitsForSource
                || report.Counters is { Mode: SourceMode.Logging, DirtyBytes: 0 })
            {
                return new EffectResult.Quiesced(tail.Lsn, confirmed);
            }

            await DelayAsync(Poll);
            GiveUpUnlessOwed(vm, quiesce);
        }
    }

    /// <summary>Waits until the replica durably holds a position; false when nothing came for so long.</summary>
    private async Task<bool> ReachAsync(
        SimVm vm, ProtectedVmEffect effect, ChangePosition position, TimeSpan? idleTooLong)
    {
        var (last, since) = (default(ChangePosition), world.Queue.Now);
        while (true)
        {
            var store = vm.Target.Store ?? throw new GivenUpException();
            var now = store.Position;
            if (!now.Resyncing && now.Durable.CompareTo(position) >= 0)
            {
                return true;
            }

            if (store.Applied != last)
            {
                (last, since) = (store.Applied, world.Queue.Now);
            }
            else if (idleTooLong is { } limit && world.Queue.Now - since > limit)
            {
                return false;
            }

            await DelayAsync(Poll);
            GiveUpUnlessOwed(vm, effect);
        }
    }

    private async Task<EffectResult> FailOverAsync(
        SimVm vm, ProtectedVmEffect effect, ProtectedVmEffect.PrepareFailover prepare)
    {
        if (prepare.Point.SealNow && vm.Target.Live is null)
        {
            await SealAsync(vm, effect, prepare.Point.Id);
        }

        return Ready(vm, () => vm.Target.FailOver(prepare.Point.Id, prepare.NewTerm));
    }

    private static EffectResult Ready(SimVm vm, Func<ServedCopy> serve)
    {
        var before = vm.Target.Live;
        var copy = serve();
        if (!ReferenceEquals(before, copy))
        {
            vm.LiveStarted(copy);
        }

        return new EffectResult.FailoverReady(FactTeller.Describe(copy.Point), copy.Bound, copy.Overlay.Disks.Count);
    }

    private async Task<EffectResult> CancelAsync(
        SimVm vm, ProtectedVmState state, ProtectedVmEffect.CancelFailover cancel)
    {
        if (cancel.Direction == Direction.ToRecovery)
        {
            vm.Target.RemoveLive(cancel.NewTerm);
            vm.LiveEnded(adopted: false);
        }
        else
        {
            vm.Target.ReopenLive(cancel.NewTerm);
        }

        if (service.IsConnected(vm))
        {
            await DirectAsync(vm, state);
        }

        return Done;
    }

    private async Task<EffectResult> ReverseAsync(SimVm vm, ProtectedVmState state)
    {
        vm.Target.RequireLive();
        return await DirectedAsync(vm, state);
    }

    private async Task<EffectResult> QuiesceTargetAsync(SimVm vm, ProtectedVmEffect effect)
    {
        var tail = vm.Target.RequireLive().Source!.Quiesce();
        vm.Target.Session?.Poke();
        while (world.Parts.WaitsForSync && !vm.Target.ReverseState().CaughtUp)
        {
            await DelayAsync(Poll);
            GiveUpUnlessOwed(vm, effect);
        }

        return new EffectResult.Quiesced(tail.Lsn, ConfirmedByAgent: false);
    }

    private async Task<EffectResult> ForwardAsync(
        SimVm vm, ProtectedVmState state, ProtectedVmEffect.StartForwardReplication forward)
    {
        vm.Target.Fence(forward.Term);
        return await DirectedAsync(vm, state);
    }

    private async Task<EffectResult> ReleaseAsync(
        SimVm vm, ProtectedVmState state, ProtectedVmEffect.ReleaseProtection release)
    {
        if (service.IsConnected(vm))
        {
            await DirectAsync(vm, state);
        }

        vm.Target.Release(release.KeepReplica);
        return Done;
    }

    private async Task<SourceReport> DirectAsync(SimVm vm, ProtectedVmState state)
    {
        var duty = SourceDuty.Of(state)
            ?? throw new InvalidOperationException($"In {state.Phase.GetType().Name} there is nothing to direct.");
        var report = await AskAsync(vm, agent => agent.Direct(duty, state.EventCount));
        service.Note(vm, report);
        return report;
    }

    private async Task<T> AskAsync<T>(SimVm vm, Func<AgentNode, T> question)
    {
        if (!service.IsConnected(vm))
        {
            throw Failed("The agent is not connected.");
        }

        var answer = new TaskCompletionSource<T>();
        vm.Wire.Tell(toService: false, () => vm.Agent.After(TimeSpan.Zero, () =>
        {
            try
            {
                var value = question(vm.Agent);
                vm.Wire.Tell(toService: true, () => service.After(TimeSpan.Zero, () => answer.TrySetResult(value)));
            }
            catch (IOException e)
            {
                vm.Wire.Tell(toService: true, () => service.After(
                    TimeSpan.Zero, () => answer.TrySetException(Failed(e.Message))));
            }
        }));
        world.Queue.After(AnswerWithin, () => answer.TrySetException(Failed("The agent did not answer in time.")));
        var result = await answer.Task;
        CheckLife();
        return result;
    }

    private async Task<ProtectedVmState> StateAsync(SimVm vm)
    {
        while (vm.Host.State is null)
        {
            await DelayAsync(TimeSpan.FromSeconds(1));
        }

        return vm.Host.State;
    }

    private static void GiveUpUnlessOwed(SimVm vm, ProtectedVmEffect effect)
    {
        if (vm.Host.State is { } state && !IsOwed(state, effect))
        {
            throw new GivenUpException();
        }
    }

    private async Task DelayAsync(TimeSpan delay)
    {
        await Task.Delay(delay, service.Clock, service.LifeEnds);
        if (service.Paused)
        {
            var goOn = new TaskCompletionSource();
            service.After(TimeSpan.Zero, goOn.SetResult);
            await goOn.Task;
        }

        CheckLife();
    }

    private void CheckLife()
    {
        if (!service.Alive || service.Life != _life)
        {
            throw new OperationCanceledException();
        }
    }

    private static bool IsOwed(ProtectedVmState state, ProtectedVmEffect effect) =>
        ProtectedVm.Outstanding(state).Any(owed => owed.Id == effect.Id);

    private static Task<EffectResult> Did(Action action)
    {
        action();
        return Task.FromResult<EffectResult>(Done);
    }

    private static EffectFailedException Failed(string why) =>
        new(EffectError.Of(ErrorClass.Recoverable, why, "See the link between agent and service."));

    private sealed class EffectFailedException(EffectError error) : Exception(error.Message)
    {
        public EffectError Error { get; } = error;
    }

    private sealed class GivenUpException() : Exception("the effect is no longer owed");
}
