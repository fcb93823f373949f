using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Storage;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Orchestration.Effects;

/// <summary>
/// Runs the effects of protected VMs. Effects may be delivered more than once (after a restart, or as a retry), so each
/// one is idempotent: it describes the state to reach and does nothing if that state already holds.
/// </summary>
public sealed class EffectRunner(ITargetSite site, ISourceSide source, DiskRegister disks, TimeProvider time)
{
    private static readonly EffectResult.Done Done = new();

    // The longest waits for optional contributions of the source to a failover, a cancel or a release (B6). While
    // changes keep coming, a failover to the latest point waits longer for them.
    private static readonly TimeSpan MarkWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan DrainWithin = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan QuiesceWithin = TimeSpan.FromSeconds(1.5);
    private static readonly TimeSpan CancelWithin = TimeSpan.FromSeconds(0.7);
    private static readonly TimeSpan ReleaseWithin = TimeSpan.FromSeconds(3);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>Runs one effect and returns the command that records its outcome.</summary>
    public async Task<ProtectedVmCommand> RunAsync(
        ProtectedVmState state, ProtectedVmEffect effect, CancellationToken cancellationToken)
    {
        try
        {
            site.Begin(state, effect);
            var result = await ResultAsync(state, effect, cancellationToken);
            return new ProtectedVmCommand.RecordEffectSucceeded(effect.Id, result);
        }
        catch (EffectFailedException e)
        {
            return new ProtectedVmCommand.RecordEffectFailed(effect.Id, e.Error);
        }
        catch (Exception e) when (Describe(e) is { } error)
        {
            return new ProtectedVmCommand.RecordEffectFailed(effect.Id, error);
        }
    }

    private Task<EffectResult> ResultAsync(ProtectedVmState state, ProtectedVmEffect effect, CancellationToken ct) =>
        effect switch
        {
            ProtectedVmEffect.CheckPrerequisites check => CheckAsync(state, check, ct),
            ProtectedVmEffect.PrepareTarget prepare => PrepareTargetAsync(state, prepare, ct),
            ProtectedVmEffect.AttachSource or ProtectedVmEffect.StartInitialReplication
                or ProtectedVmEffect.PauseReplication or ProtectedVmEffect.ResumeReplication
                or ProtectedVmEffect.FenceSource or ProtectedVmEffect.PromoteSource => DirectAsync(state, ct),
            ProtectedVmEffect.StartResync => ResyncAsync(state, ct),
            ProtectedVmEffect.FinalizeProtection => Task.FromResult<EffectResult>(Done),
            ProtectedVmEffect.TakeRecoveryPoint take => TakePointAsync(state, take, ct),
            ProtectedVmEffect.PrunePoints prune => Do(() => Volume(state).Prune(prune.Points)),
            ProtectedVmEffect.StartTestFailover test => TestAsync(state, test, ct),
            ProtectedVmEffect.CleanUpTestFailover => Do(() => Volume(state).RemoveTestAsync()),
            ProtectedVmEffect.QuiesceSource quiesce => QuiesceSourceAsync(state, quiesce, ct),
            ProtectedVmEffect.PrepareFailover prepare => PrepareFailoverAsync(state, prepare, ct),
            ProtectedVmEffect.SwitchRecoveredPoint change => SwitchAsync(state, change, ct),
            ProtectedVmEffect.CommitFailover commit => Do(() => Volume(state).Settle(commit.Point)),
            ProtectedVmEffect.CancelFailover cancel => CancelAsync(state, cancel, ct),
            ProtectedVmEffect.StartReverseReplication => StartReverseAsync(state, ct),
            ProtectedVmEffect.QuiesceTarget => QuiesceTargetAsync(state, ct),
            ProtectedVmEffect.CommitFailback => Do(() => Volume(state).AdoptAsync()),
            ProtectedVmEffect.StartForwardReplication forward => StartForwardAsync(state, forward, ct),
            ProtectedVmEffect.ReleaseProtection release => ReleaseAsync(state, release, ct),
            _ => throw new InvalidOperationException($"No runner exists for effect {effect.Kind}."),
        };

    private async Task<EffectResult> CheckAsync(
        ProtectedVmState state, ProtectedVmEffect.CheckPrerequisites check, CancellationToken ct)
    {
        var found = await source.InspectAsync(state, check, ct);
        var problems = found.Problems.Count > 0 ? found.Problems
            : await disks.CheckAsync(state.Enrollment.Vm.Value, found.Disks, ct);
        if (problems.Count > 0)
        {
            throw new EffectFailedException(new EffectError(
                ErrorClass.NonRecoverable, problems, "Correct the disk paths and protect again."));
        }

        RequireOwn(state, found.Disks);
        return new EffectResult.PrerequisitesMet(found.Disks);
    }

    private void RequireOwn(ProtectedVmState state, ValueList<ProtectedDisk> disks)
    {
        if (site.WhyNotOwn(state, [.. disks]) is { } why)
        {
            throw new EffectFailedException(EffectError.Of(
                ErrorClass.NonRecoverable, why,
                "Move that directory away (`drctl replica serve` can still read it), or protect the VM under "
                    + "another name."));
        }
    }

    private async Task<EffectResult> PrepareTargetAsync(
        ProtectedVmState state, ProtectedVmEffect.PrepareTarget prepare, CancellationToken ct)
    {
        RequireOwn(state, prepare.Disks);
        var volume = site.Obtain(state.Enrollment.Vm.Value);
        if (volume.NoRoomFor(prepare.Disks.Count) is { } full)
        {
            throw new EffectFailedException(EffectError.Of(
                ErrorClass.NonRecoverable, full, "Raise the service's limit of open files and protect again."));
        }

        await volume.PrepareAsync(
            [.. prepare.Disks.Select(d => new DiskSpec(d.Path, d.SizeBytes))], prepare.Term, ct);
        return Done;
    }

    private async Task<EffectResult> DirectAsync(ProtectedVmState state, CancellationToken ct)
    {
        await source.DirectAsync(state, ct);
        return Done;
    }

    // Earlier transfer failures are forgotten: if the same cause breaks this resync too, the resync has failed (RES-7).
    private Task<EffectResult> ResyncAsync(ProtectedVmState state, CancellationToken ct)
    {
        Volume(state).ForgetFault();
        if (state.Phase is Phase.ProtectedReverse)
        {
            // The sender is this service's own splitter, so it compares everything.
            Volume(state).ResyncLive();
        }

        return DirectAsync(state, ct);
    }

    private async Task<EffectResult> TakePointAsync(
        ProtectedVmState state, ProtectedVmEffect.TakeRecoveryPoint take, CancellationToken ct)
    {
        site.Find(state.Enrollment.Vm.Value)?.NoteAsked(take.Point);
        await source.MarkAsync(state, take.Point, take.PointKind, ct);
        return Done;
    }

    private async Task<EffectResult> TestAsync(
        ProtectedVmState state, ProtectedVmEffect.StartTestFailover test, CancellationToken ct)
    {
        var volume = Volume(state);
        if (test.Point.SealNow)
        {
            await SealLatestAsync(state, volume, test.Point.Id, ct);
        }

        var machine = await volume.StartTestAsync(test.Point.Id, ct);
        return new EffectResult.TestFailoverReady(machine.Point, machine.Disks.Count);
    }

    /// <summary>
    /// Processes everything the source has, if the source can be asked, and then seals the point. Otherwise the point
    /// holds everything received so far.
    /// </summary>
    private async Task SealLatestAsync(
        ProtectedVmState state, ITargetVolume volume, RecoveryPointId point, CancellationToken ct)
    {
        if (volume.HasPoint(point))
        {
            return;
        }

        if (volume.Receiving && source.IsConnected(state)
            && await TryDrainAsync(state, volume, point, ct))
        {
            return;
        }

        volume.SealNow(point);
    }

    /// <summary>
    /// Has the source mark the point and waits until it is sealed. Returns false when the source cannot mark it or the
    /// stream does not reach the mark in time; the caller then uses what was received.
    /// </summary>
    private async Task<bool> TryDrainAsync(
        ProtectedVmState state, ITargetVolume volume, RecoveryPointId point, CancellationToken ct)
    {
        try
        {
            volume.NoteAsked(point);
            var marked = await WithinAsync(
                MarkWithin, token => source.MarkAsync(state, point, PointKind.Crash, token), ct);
            return await DrainAsync(volume, marked, ct) && volume.HasPoint(point);
        }
        catch (EffectFailedException)
        {
            return false;
        }
    }

    // False when the position is not reached in time: the effect continues without the rest.
    private async Task<bool> DrainAsync(ITargetVolume volume, ChangePosition position, CancellationToken ct)
    {
        try
        {
            return await WithinAsync(
                DrainWithin, token => volume.WaitForAsync(position, giveUpWhenIdle: true, token), ct);
        }
        catch (SourceSilentException)
        {
            return false;
        }
    }

    /// <summary>Limits the wait for a reply of the source.</summary>
    /// <exception cref="SourceSilentException">The reply took too long.</exception>
    private async Task<T> WithinAsync<T>(
        TimeSpan within, Func<CancellationToken, Task<T>> ask, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(within, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            return await ask(either.Token);
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw new SourceSilentException(EffectError.Of(
                ErrorClass.Recoverable, $"The source side did not respond within {within.TotalSeconds:0.#} s.",
                "Start the agent, or see in its log why it does not respond."));
        }
    }

    private async Task<EffectResult> QuiesceSourceAsync(
        ProtectedVmState state, ProtectedVmEffect.QuiesceSource quiesce, CancellationToken ct)
    {
        var duty = SourceDuty.Of(state)!;
        while (true)
        {
            // With best effort, a missing reply is accepted (the failover needs nothing of the source).
            var observation = quiesce.BestEffort
                ? await WithinAsync(QuiesceWithin, token => source.DirectAsync(state, token), ct)
                : await source.DirectAsync(state, ct);
            var tail = new ChangePosition(observation.Generation, observation.Tail);
            if (quiesce.Drain)
            {
                _ = quiesce.BestEffort ? await DrainAsync(Volume(state), tail, ct)
                    : await Volume(state).WaitForAsync(tail, giveUpWhenIdle: false, ct);
            }

            var confirmed = duty.IsConfirmedBy(observation);
            if (quiesce.BestEffort || !confirmed || observation is { Capture: CaptureMode.Logging, DirtyBytes: 0 })
            {
                return new EffectResult.Quiesced(tail.Lsn, confirmed);
            }

            // Changes that the log does not carry are copied first: a planned failover loses nothing (I22).
            await Task.Delay(AgainAfter, time, ct);
        }
    }

    private async Task<EffectResult> PrepareFailoverAsync(
        ProtectedVmState state, ProtectedVmEffect.PrepareFailover prepare, CancellationToken ct)
    {
        var volume = Volume(state);
        if (prepare.Point.SealNow && !volume.HasLive)
        {
            await SealLatestAsync(state, volume, prepare.Point.Id, ct);
        }

        return Ready(await volume.FailOverAsync(prepare.Point.Id, prepare.NewTerm, ct));
    }

    private async Task<EffectResult> SwitchAsync(
        ProtectedVmState state, ProtectedVmEffect.SwitchRecoveredPoint change, CancellationToken ct) =>
        Ready(await Volume(state).SwitchAsync(change.Point, state.Term, ct));

    private static EffectResult.FailoverReady Ready(RecoveredMachine machine) =>
        new(machine.Point, machine.RpoBound, machine.Disks.Count);

    private async Task<EffectResult> CancelAsync(
        ProtectedVmState state, ProtectedVmEffect.CancelFailover cancel, CancellationToken ct)
    {
        var volume = Volume(state);
        if (cancel.Direction == Direction.ToRecovery)
        {
            await volume.RemoveLiveAsync(cancel.NewTerm);
        }
        else
        {
            await volume.ReopenLiveAsync(cancel.NewTerm, ct);
        }

        // A source that is away, or does not obey a directive at once, is directed again when it can be reached.
        _ = await TryDirectAsync(state, CancelWithin, ct);
        return Done;
    }

    /// <summary>Directs a connected source, for at most <paramref name="within"/>.</summary>
    /// <returns>Why the source does not have the required role; null when it has, or when it is away.</returns>
    private async Task<EffectFailedException?> TryDirectAsync(
        ProtectedVmState state, TimeSpan within, CancellationToken ct)
    {
        try
        {
            _ = source.IsConnected(state)
                ? await WithinAsync(within, token => source.DirectAsync(state, token), ct) : null;
            return null;
        }
        catch (EffectFailedException e)
        {
            return e;
        }
    }

    private async Task<EffectResult> StartReverseAsync(ProtectedVmState state, CancellationToken ct)
    {
        Volume(state).RequireLive();
        return await DirectAsync(state, ct);
    }

    // The splitter that accepts no more writes is this service's own; no agent is involved.
    private async Task<EffectResult> QuiesceTargetAsync(ProtectedVmState state, CancellationToken ct)
    {
        var tail = await Volume(state).QuiesceLiveAsync(ct);
        return new EffectResult.Quiesced(tail.Lsn, ConfirmedByAgent: false);
    }

    private async Task<EffectResult> StartForwardAsync(
        ProtectedVmState state, ProtectedVmEffect.StartForwardReplication forward, CancellationToken ct)
    {
        Volume(state).Fence(forward.Term);
        return await DirectAsync(state, ct);
    }

    private async Task<EffectResult> ReleaseAsync(
        ProtectedVmState state, ProtectedVmEffect.ReleaseProtection release, CancellationToken ct)
    {
        // A silent agent releases the disks when it reconnects: until then it is directed to do so again.
        if (await TryDirectAsync(state, ReleaseWithin, ct) is { } failed and not SourceSilentException)
        {
            throw failed;
        }

        // A replica of another history must not be deleted on behalf of this VM.
        var keep = release.KeepReplica || site.WhyNotOwn(state, []) is not null;
        await site.ReleaseAsync(state.Enrollment.Vm.Value, keep);
        return Done;
    }

    private ITargetVolume Volume(ProtectedVmState state) =>
        site.Find(state.Enrollment.Vm.Value) ?? throw new EffectFailedException(EffectError.Of(
            ErrorClass.NonRecoverable, $"The target has no replica of '{state.Enrollment.Vm}'.",
            "Disable protection and protect again."));

    private static Task<EffectResult> Do(Action action)
    {
        action();
        return Task.FromResult<EffectResult>(Done);
    }

    private static async Task<EffectResult> Do(Func<Task> action)
    {
        await action();
        return Done;
    }

    /// <summary>Returns the error for an exception caused by the environment; null for a bug.</summary>
    private static EffectError? Describe(Exception exception) => exception switch
    {
        StorageException { Errno: StorageException.NoSpace } e => EffectError.Of(
            ErrorClass.Recoverable, e.Message, "Free space at the target."),
        ReplicaCorruptException e => EffectError.Of(
            ErrorClass.NonRecoverable, e.Message, "Choose another recovery point, or resync."),
        ReplicaRefusedException { Reason: ReplicaRefusal.Unavailable } e => EffectError.Of(
            ErrorClass.Recoverable, e.Message, "Check the target's storage."),
        ReplicaRefusedException e => EffectError.Of(
            ErrorClass.NonRecoverable, e.Message, "Choose another recovery point."),
        StorageException or BlockDeviceException => EffectError.Of(
            ErrorClass.Recoverable, exception.Message, "Check the target's storage."),
        _ => null,
    };
}
