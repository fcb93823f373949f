using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Policies;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Effects;

/// <summary>States of a VM called <c>web</c> on agent <c>site-a</c>, brought about by commands like those of a real
/// life.</summary>
internal sealed class VmLife
{
    public static readonly DateTimeOffset Start = new(2026, 1, 31, 12, 0, 0, TimeSpan.Zero);

    private int _commands;

    public ProtectedVmState State { get; private set; } = ProtectedVm.Initial;

    public DateTimeOffset Now { get; set; } = Start;

    /// <summary>A VM that runs at the target side and is replicated back.</summary>
    public static VmLife ProtectedReverse()
    {
        var life = Protected();
        life.Tell(new ProtectedVmCommand.StartPlannedFailover());
        life.Succeed(EffectKind.QuiesceSource, new EffectResult.Quiesced(new Lsn(7), ConfirmedByAgent: true));
        var chosen = ((ProtectedVmEffect.PrepareFailover)life.Outstanding(EffectKind.PrepareFailover)).Point.Id;
        var point = new RecoveryPoint(
            chosen, Start, PointKind.Crash, new Generation(1), new Lsn(7), PointGrade.Received);
        life.Succeed(EffectKind.PrepareFailover, new EffectResult.FailoverReady(point, TimeSpan.Zero, 1));
        life.Tell(new ProtectedVmCommand.Commit());
        life.Succeed(EffectKind.CommitFailover);
        life.Tell(new ProtectedVmCommand.Reprotect());
        life.Succeed(EffectKind.StartReverseReplication);
        life.Tell(new ProtectedVmCommand.RecordInSync(Direction.ToPrimary, 0));
        Assert.IsType<Phase.ProtectedReverse>(life.State.Phase);
        return life;
    }

    /// <summary>A VM in the phase Protected, without points; resyncs start at once or in the policy's window.</summary>
    public static VmLife Protected(string scenario = "SCN-1", AutoResync resync = AutoResync.InWindow)
    {
        var life = new VmLife();
        life.Tell(new ProtectedVmCommand.Enable(
            new ProtectedVmId("web"), [new ProtectedDisk("/disks/a.img", 1 << 20)], scenario,
            ReplicationPolicy.Default with { AutoResync = resync }, "site-a"));
        life.Succeed(EffectKind.CheckPrerequisites,
            new EffectResult.PrerequisitesMet([new ProtectedDisk("/disks/a.img", 1 << 20)]));
        life.Succeed(EffectKind.AttachSource);
        life.Succeed(EffectKind.PrepareTarget);
        life.Succeed(EffectKind.StartInitialReplication);
        life.Tell(new ProtectedVmCommand.RecordInSync(Direction.ToRecovery, 1000));
        life.Succeed(EffectKind.FinalizeProtection);
        return life;
    }

    public static RecoveryPointId Point(int number) => new(new Guid(number, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10));

    /// <summary>Tells a command that must be accepted; answers its events.</summary>
    public IReadOnlyList<ProtectedVmEvent> Tell(ProtectedVmCommand command)
    {
        var context = new DecisionContext(Now, new CommandId(new Guid(++_commands, 0, 0, new byte[8])), "tester");
        var accepted = Assert.IsType<Decision<ProtectedVmEvent>.Accepted>(
            ProtectedVm.Decide(State, command, context));
        foreach (var @event in accepted.Events)
        {
            State = ProtectedVm.Evolve(State, @event);
            ProtectedVm.CheckInvariants(State);
        }

        return accepted.Events;
    }

    public VmLife With(ProtectedVmCommand command)
    {
        Tell(command);
        return this;
    }

    public IReadOnlyList<ProtectedVmEvent> Succeed(EffectKind kind, EffectResult? result = null) => Tell(
        new ProtectedVmCommand.RecordEffectSucceeded(Outstanding(kind).Id, result ?? new EffectResult.Done()));

    public ProtectedVmEffect Outstanding(EffectKind kind) =>
        ProtectedVm.Outstanding(State).Cast<ProtectedVmEffect>().Single(effect => effect.Kind == kind);
}
