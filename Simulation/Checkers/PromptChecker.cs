using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// Nothing at the target waits for the source: an unplanned failover is ready within 5 s, a commit and a cancel are
/// done within 2 s, and a silent agent counts as disconnected within 10 s, whatever agent and link do. The check runs
/// if the plan has <see cref="SimFeatures.Prompt"/>, and while service, journal and replica have no faults of their
/// own.
/// </summary>
internal sealed class PromptChecker(SimWorld world) : Checker
{
    private static readonly TimeSpan FailoverWithin = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SettledWithin = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan AwayWithin = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan Slack = TimeSpan.FromSeconds(0.5);
    private readonly Dictionary<(SimVm Vm, string What), (TimeSpan At, int Life)> _begun = [];
    private readonly Dictionary<SimVm, TimeSpan> _heard = [];

    /// <inheritdoc/>
    public override string Id => "prompt";

    /// <inheritdoc/>
    public override void Stored(SimVm vm, ProtectedVmEvent @event)
    {
        switch (@event)
        {
            case ProtectedVmEvent.FailoverStarted { Kind: FailoverKind.Unplanned }:
                _begun[(vm, "an unplanned failover")] = (world.Queue.Now, world.Service.Life);
                break;
            case ProtectedVmEvent.CommitStarted:
                _begun[(vm, "a commit")] = (world.Queue.Now, world.Service.Life);
                break;
            case ProtectedVmEvent.CancelStarted:
                _begun.Remove((vm, "an unplanned failover"));
                _begun[(vm, "a cancel")] = (world.Queue.Now, world.Service.Life);
                break;
            case ProtectedVmEvent.FailoverReady:
                Judge(vm, "an unplanned failover", FailoverWithin);
                break;
            case ProtectedVmEvent.FailoverCommitted or ProtectedVmEvent.FailbackCommitted:
                Judge(vm, "a commit", SettledWithin);
                break;
            case ProtectedVmEvent.FailoverCancelled:
                Judge(vm, "a cancel", SettledWithin);
                break;
            case ProtectedVmEvent.FailoverFailed:
                _begun.Remove((vm, "an unplanned failover"));
                break;
            default:
                break;
        }
    }

    /// <inheritdoc/>
    public override void Second(SimVm vm)
    {
        if (!world.Service.Alive || world.Service.Paused || !_heard.TryGetValue(vm, out var last))
        {
            _heard[vm] = world.Queue.Now;
        }
        else if (world.Queue.Now - Latest(last, vm.Ledger.ReportedAt) > AwayWithin + TimeSpan.FromSeconds(1)
            && world.Service.Hears(vm))
        {
            throw Broken(vm, $"nothing came of the agent since {vm.Ledger.ReportedAt} and it is shown as connected");
        }
    }

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        foreach (var (what, within) in new[]
        {
            ("an unplanned failover", FailoverWithin), ("a commit", SettledWithin), ("a cancel", SettledWithin),
        })
        {
            if (_begun.TryGetValue((vm, what), out var begun) && world.Queue.Now - begun.At > within + Slack)
            {
                Judge(vm, what, within);
            }
        }
    }

    private static TimeSpan Latest(TimeSpan one, TimeSpan other) => one > other ? one : other;

    private void Judge(SimVm vm, string what, TimeSpan within)
    {
        if (!_begun.Remove((vm, what), out var begun))
        {
            return;
        }

        var took = world.Queue.Now - begun.At;
        world.Sometimes.Count(took > within + Slack ? Probes.SlowAnswer : Probes.PromptAnswer);
        if (took > within + Slack && begun.At > world.ServiceTroubledUntil && begun.Life == world.Service.Life
            && world.Service is { Alive: true, Paused: false }
            && !vm.Ledger.Damaged && !vm.Ledger.TargetSyncBroken
            && !world.Faults.Active.Contains("S", StringComparer.Ordinal))
        {
            throw Broken(vm, $"{what} took {took.TotalSeconds:0.0} s and has {within.TotalSeconds:0} s");
        }
    }
}
