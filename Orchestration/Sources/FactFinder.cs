using System.Collections.Concurrent;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>Finds what a VM's state does not know yet: the difference between what is observed and what it
/// says.</summary>
internal sealed class FactFinder(IAgents agents, ISourceSide source, ITargetSite site, TimeProvider time)
{
    private static readonly TimeSpan DirectAgainAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AwayTooLong = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, (bool Running, long Stamp)> _directed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (ProtectedVmState State, PointsSight Points)> _known =
        new(StringComparer.Ordinal);

    /// <summary>All facts to be told now; none when the state is up to date.</summary>
    public IReadOnlyList<ProtectedVmCommand> Facts(ProtectedVmState state)
    {
        var (vm, agent, seen) = (state.Enrollment.Vm.Value, state.Enrollment.Agent, agents.Sightings);
        var away = seen.AwayFor(agent);
        var status = seen.Status(vm);
        return VmFacts.Of(state, new VmObservation(
            away > AwayTooLong ? AgentPresence.Away : away > TimeSpan.Zero ? AgentPresence.Missed
                : AgentPresence.Connected,
            status is null || !seen.IsConnected(agent) ? null : SourceReports.Sight(status),
            News(state, site.Find(vm)?.Sight()), seen.AtRisk(agent, vm), status?.LagBytes ?? 0));
    }

    /// <summary>
    /// Directs a connected agent again that does not say of a VM's source side what it is to be, while no effect is
    /// under way to make it so: a directive that failed or was lost (a disk that was away, a full data directory) would
    /// otherwise wait for the next connection. At most one at a time and every ten seconds. Answers why it failed; null
    /// when it did not, or there was nothing to do.
    /// </summary>
    public async Task<string?> KeepAsync(ProtectedVmState state, CancellationToken ct)
    {
        var vm = state.Enrollment.Vm.Value;
        if (!IsAstray(state) || (_directed.TryGetValue(vm, out var last)
            && (last.Running || time.GetElapsedTime(last.Stamp) < DirectAgainAfter)))
        {
            return null;
        }

        return await DirectAsync(state, ct);
    }

    private bool IsAstray(ProtectedVmState state)
    {
        if (!agents.Sightings.IsConnected(state.Enrollment.Agent) || SourceDuty.Of(state) is not { } duty
            || ProtectedVm.Outstanding(state).Any())
        {
            return false;
        }

        var status = agents.Sightings.Status(state.Enrollment.Vm.Value);
        return duty.Role == SourceRole.Released
            ? status is not (null or { Role: VolumeRole.Released })
            : status is null || !duty.IsConfirmedBy(SourceReports.Sight(status));
    }

    // Hundreds of points are compared with hundreds only when the state or the replica's list has changed since they
    // told nothing.
    private TargetSight? News(ProtectedVmState state, TargetSight? target)
    {
        if (target is not { Points: { } points, LostBecause: null })
        {
            return target;
        }

        var vm = state.Enrollment.Vm.Value;
        if (_known.TryGetValue(vm, out var known) && ReferenceEquals(known.State, state)
            && ReferenceEquals(known.Points, points))
        {
            return target with { Points = null };
        }

        if (target.NewestDamage is null && !PointFacts.Of(state, points).Any())
        {
            _known[vm] = (state, points);
            return target with { Points = null };
        }

        return target;
    }

    /// <summary>
    /// An agent has connected: tells it what a VM's source side is to be, and the VM that it is there. Answers why it
    /// could not be directed; null when it was, or there is nothing to direct.
    /// </summary>
    public async Task<string?> WelcomeAsync(
        ProtectedVmState state, Func<ProtectedVmCommand, CancellationToken, Task> tell, CancellationToken ct)
    {
        var problem = await DirectAsync(state, ct);
        await tell(new ProtectedVmCommand.RecordAgentConnected(), ct);
        return problem;
    }

    // While prerequisites are checked there is nothing to direct, but a check that failed for want of the agent is
    // tried again at once when the VM is told.
    private async Task<string?> DirectAsync(ProtectedVmState state, CancellationToken ct)
    {
        if (state.Phase is Phase.NotProtected or Phase.Enabling { Step: EnableStep.CheckingPrerequisites })
        {
            return null;
        }

        var vm = state.Enrollment.Vm.Value;
        _directed[vm] = (true, time.GetTimestamp());
        try
        {
            await source.DirectAsync(state, ct);
            return null;
        }
        catch (EffectFailedException e)
        {
            return e.Message;
        }
        finally
        {
            _directed[vm] = (false, time.GetTimestamp());
        }
    }
}
