using System.Collections.Concurrent;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>Finds the facts that a VM's state does not contain yet, by comparing observations with the state.</summary>
public sealed class FactFinder(IAgents agents, ISourceSide source, ITargetSite site, TimeProvider time)
{
    private static readonly TimeSpan DirectAgainAfter = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AwayTooLong = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan SilentTooLong = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan AstrayTooLong = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, long> _astray = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, long> _down = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, EffectError> _failures = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (bool Running, long Stamp)> _directed = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, (ProtectedVmState State, PointsObservation Points)> _known =
        new(StringComparer.Ordinal);

    /// <summary>Records at the VM's target side the source position that its agent reported.</summary>
    public void NoteReport(string agent, VolumeStatus report) =>
        site.Find(report.Vm)?.NoteReport(SourceReports.Observe(report), agents.Clocks.Before(agent, report));

    /// <summary>Returns all facts to deliver now; empty when the state is up to date.</summary>
    public IReadOnlyList<ProtectedVmCommand> Facts(ProtectedVmState state)
    {
        var observation = Observe(state);
        return VmFacts.Of(state, observation with { Target = News(state, observation.Target) });
    }

    /// <summary>Returns the current observation of a VM.</summary>
    public VmObservation Observe(ProtectedVmState state)
    {
        var (vm, agent, seen) = (state.Enrollment.Vm.Value, state.Enrollment.Agent, agents.Observations);
        var (away, silent) = (seen.AwayFor(agent), seen.SilentFor(agent));
        var presence = away > AwayTooLong || silent > SilentTooLong ? AgentPresence.Away
            : away > TimeSpan.Zero ? AgentPresence.Missed : AgentPresence.Connected;
        var status = seen.Status(vm);
        var known = status is null || presence != AgentPresence.Connected ? null : SourceReports.Observe(status);
        var target = site.Find(vm)?.Observe();
        var atRisk = seen.AtRisk(agent, vm);
        return new VmObservation(
            presence, known, target,
            presence == AgentPresence.Away && silent > (atRisk ?? TimeSpan.Zero) ? silent : atRisk,
            status?.LagBytes ?? 0)
        {
            Astray = AstrayOf(state, presence),
            StreamDownFor = Since(_down, vm, IsStreamDown(state, known, target)),
            ClockOffset = agents.Clocks.OffsetOf(agent),
        };
    }

    // Reported when a directive has failed, or when it has lasted longer than a directive takes.
    private SourceAstray? AstrayOf(ProtectedVmState state, AgentPresence presence)
    {
        var vm = state.Enrollment.Vm.Value;
        var lasted = Since(_astray, vm, presence == AgentPresence.Connected && IsAstray(state));
        return lasted == TimeSpan.Zero ? null
            : _failures.TryGetValue(vm, out var why) ? new SourceAstray(why)
            : lasted > AstrayTooLong ? new SourceAstray(null)
            : null;
    }

    private static bool IsStreamDown(ProtectedVmState state, SourceObservation? known, TargetObservation? target) =>
        state.Replication is { Active: true, Paused: false } && (state.Phase is Phase.ProtectedReverse
            ? target?.Reverse is { Connected: false }
            : known is { Role: SourceRole.Primary, Connected: false });

    // How long a condition has been observed; at least a tick while it holds.
    private TimeSpan Since(ConcurrentDictionary<string, long> since, string vm, bool holds)
    {
        if (!holds)
        {
            since.TryRemove(vm, out _);
            return TimeSpan.Zero;
        }

        var lasted = time.GetElapsedTime(since.GetOrAdd(vm, _ => time.GetTimestamp()));
        return lasted > TimeSpan.Zero ? lasted : TimeSpan.FromTicks(1);
    }

    /// <summary>
    /// Resends the directive to a connected agent whose reported role differs from the one the VM's state requires,
    /// unless a running effect will change it. A directive that failed or was lost (a disk that was away, a full data
    /// directory) would otherwise wait for the next connection. At most one directive is sent at a time and every ten
    /// seconds. Returns why it failed; null when it did not, or when nothing was sent.
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

    /// <summary>
    /// Whether a connected agent reports a role other than the one the VM's state requires and no running effect will
    /// change it.
    /// </summary>
    public bool IsAstray(ProtectedVmState state)
    {
        // The outstanding effects cost more to derive than everything else, so they are checked last.
        return agents.Observations.IsConnected(state.Enrollment.Agent) && SourceDuty.Of(state) is { } duty
            && Differs(duty, agents.Observations.Status(state.Enrollment.Vm.Value))
            && ProtectedVm.Outstanding(state).All(effect =>
                effect is ProtectedVmEffect.TakeRecoveryPoint or ProtectedVmEffect.PrunePoints);
    }

    private static bool Differs(SourceDuty duty, VolumeStatus? status)
    {
        if (duty.Role == SourceRole.Released)
        {
            return status is not (null or { Role: SourceRole.Released });
        }

        var observation = status is null ? null : SourceReports.Observe(status);
        return observation is null || !duty.IsConfirmedBy(observation)
            || (duty is { Role: SourceRole.Fenced, Cut: not null } && !duty.IsCutKnownTo(observation));
    }

    // Hundreds of points are compared only when the state or the replica's list has changed since a comparison that
    // found no new facts.
    private TargetObservation? News(ProtectedVmState state, TargetObservation? target)
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
    /// Handles an agent that has connected: sends the directives for a VM's source side and reports the connection to
    /// the VM. Returns why the agent could not be directed; null when it was, or when there is no directive.
    /// </summary>
    public async Task<string?> WelcomeAsync(
        ProtectedVmState state, Func<ProtectedVmCommand, CancellationToken, Task> tell, CancellationToken ct)
    {
        var problem = await DirectAsync(state, ct);
        await tell(new ProtectedVmCommand.RecordAgentConnected(), ct);
        return problem;
    }

    // While prerequisites are checked there is no directive, but a check that failed because the agent was away is
    // retried at once when the connection is reported.
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
            _failures.TryRemove(vm, out _);
            return null;
        }
        catch (EffectFailedException e)
        {
            _failures[vm] = e.Error;
            return e.Message;
        }
        finally
        {
            _directed[vm] = (false, time.GetTimestamp());
        }
    }
}
