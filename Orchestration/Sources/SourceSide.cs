using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Engine.RecoveryPoints;
using ReplicationEngine.Orchestration.Effects;

namespace ReplicationEngine.Orchestration.Sources;

/// <summary>The source sides of all VMs, reached through the connected agents.</summary>
/// <param name="agents">The agents.</param>
/// <param name="keyOf">Returns a VM's data key in base64, creating it if needed.</param>
/// <param name="time">The time source.</param>
public sealed class SourceSide(IAgents agents, Func<string, string> keyOf, TimeProvider time) : ISourceSide
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMinutes(2);

    /// <inheritdoc/>
    public bool IsConnected(ProtectedVmState state) => agents.Observations.IsConnected(state.Enrollment.Agent);

    /// <inheritdoc/>
    public async Task<InspectedSource> InspectAsync(
        ProtectedVmState state, ProtectedVmEffect.CheckPrerequisites check, CancellationToken ct)
    {
        var request = new AgentRequest.Inspect(state.Enrollment.Vm.Value, [.. check.Disks.Select(d => d.Path)],
            check.Disks.Any(d => d.Raw));
        var found = await AskAsync<AgentReply.Inspected>(check.Agent, request, ct);
        return new InspectedSource(
            found.Disks.Select(d => new ProtectedDisk(
                d.Path, d.SizeBytes, d.Identity, check.Disks.Any(asked => asked.Path == d.Path && asked.Raw)))
                .ToValueList(),
            found.Problems.ToValueList());
    }

    /// <inheritdoc/>
    public async Task<SourceObservation> DirectAsync(ProtectedVmState state, CancellationToken ct)
    {
        var directive = SourceDirectives.For(state, keyOf)
            ?? throw new InvalidOperationException(
                $"Phase {state.Phase.GetType().Name} has no directive.");
        var reply = await AskAsync<AgentReply.Directed>(state.Enrollment.Agent, new AgentRequest.Direct(directive), ct);
        agents.Note(state.Enrollment.Agent, reply.Status);
        return SourceReports.Observe(reply.Status);
    }

    /// <inheritdoc/>
    public async Task<ChangePosition> MarkAsync(
        ProtectedVmState state, RecoveryPointId point, PointKind kind, CancellationToken ct)
    {
        var request = new AgentRequest.InsertMarker(
            state.Enrollment.Vm.Value, point.Value, kind, time.GetUtcNow());
        var marked = await AskAsync<AgentReply.MarkerInserted>(state.Enrollment.Agent, request, ct);
        return new ChangePosition(new Generation(marked.Generation), new Lsn(marked.Lsn));
    }

    /// <summary>Sends a request to an agent and requires one type of reply.</summary>
    private async Task<TReply> AskAsync<TReply>(string agent, AgentRequest request, CancellationToken ct)
        where TReply : AgentReply
    {
        if (!agents.Observations.IsConnected(agent))
        {
            throw Away(agent, agents.Observations.HasSession(agent)
                ? $"has been silent for {agents.Observations.SilentFor(agent).TotalSeconds:0} s" : "is not connected");
        }

        using var deadline = new CancellationTokenSource(AnswerWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            return await agents.AskAsync(agent, request, either.Token) switch
            {
                TReply reply => reply,
                AgentReply.Failed failed => throw new EffectFailedException(EffectError.Of(
                    failed.Recoverable ? ErrorClass.Recoverable : ErrorClass.NonRecoverable, failed.Message,
                    failed.Remedy ?? $"See the log of agent '{agent}'.")),
                var other => throw new InvalidOperationException($"Agent '{agent}' replied with "
                    + $"{other.GetType().Name}."),
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw Away(agent, $"did not respond within {AnswerWithin.TotalSeconds:0} s");
        }
    }

    private static SourceSilentException Away(string agent, string how) => new(EffectError.Of(
            ErrorClass.Recoverable, $"Agent '{agent}' {how}.",
                "Start the agent, or see in its log why it cannot reach the service."));
}
