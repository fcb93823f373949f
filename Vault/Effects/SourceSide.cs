using ReplicationEngine.Agent.Control;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>The source sides of all VMs, as the service can reach them: through the agents that are
/// connected.</summary>
internal sealed class SourceSide(AgentRegistry agents, TargetSite site, TimeProvider time)
{
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMinutes(2);
    private static readonly TimeSpan DrainWithin = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan AgainAfter = TimeSpan.FromMilliseconds(200);

    /// <summary>Whether the VM's agent is connected.</summary>
    public bool IsConnected(ProtectedVmState state) => agents.Find(state.Enrollment.Agent) is not null;

    /// <summary>Tells the agent what the VM's source side is to be and waits until it is.</summary>
    /// <exception cref="EffectFailedException">The agent is away or cannot do it.</exception>
    public async Task<VolumeStatus> DirectAsync(ProtectedVmState state, CancellationToken ct)
    {
        var directive = SourceDirectives.For(state, site.KeyOf)
            ?? throw new InvalidOperationException(
                $"In phase {state.Phase.GetType().Name} there is nothing to direct.");
        var reply = await AskAsync<AgentReply.Directed>(state.Enrollment.Agent, new AgentRequest.Direct(directive), ct);
        agents.Note(state.Enrollment.Agent, reply.Status);
        return reply.Status;
    }

    /// <summary>As above, a moment later.</summary>
    public async Task<VolumeStatus> DirectAgainAsync(ProtectedVmState state, CancellationToken ct)
    {
        await Task.Delay(AgainAfter, time, ct);
        return await DirectAsync(state, ct);
    }

    /// <summary>Marks a recovery point in the stream; answers the agent's warning, if any.</summary>
    public async Task<AgentReply.MarkerInserted> InsertMarkerAsync(
        ProtectedVmState state, RecoveryPointId point, bool app, CancellationToken ct)
    {
        var request = new AgentRequest.InsertMarker(state.Enrollment.Vm.Value, point.Value, app);
        return await AskAsync<AgentReply.MarkerInserted>(state.Enrollment.Agent, request, ct);
    }

    /// <summary>
    /// Has the source mark the point and waits until it is sealed. False when the source cannot, or the stream does not
    /// get there in time: then what was received has to do.
    /// </summary>
    public async Task<bool> TryDrainAsync(
        ProtectedVmState state, TargetVolume volume, RecoveryPointId point, CancellationToken ct)
    {
        using var deadline = new CancellationTokenSource(DrainWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            var marker = await InsertMarkerAsync(state, point, app: false, either.Token);
            await volume.WaitForAsync(
                new ChangePosition(new Generation(marker.Generation), new Lsn(marker.Lsn)), giveUpWhenIdle: true,
                    either.Token);
            return volume.HasPoint(point);
        }
        catch (EffectFailedException)
        {
            return false;
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            return false;
        }
    }

    /// <summary>Asks an agent and insists on one kind of answer.</summary>
    /// <exception cref="EffectFailedException">The agent is away, did not answer in time, or says that it
    /// failed.</exception>
    public async Task<TReply> AskAsync<TReply>(string agent, AgentRequest request, CancellationToken ct)
        where TReply : AgentReply
    {
        var session = agents.Find(agent) ?? throw Away(agent, "is not connected");
        using var deadline = new CancellationTokenSource(AnswerWithin, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, ct);
        try
        {
            return await session.AskAsync(request, either.Token) switch
            {
                TReply reply => reply,
                AgentReply.Failed failed => throw new EffectFailedException(EffectError.Of(
                    failed.Recoverable ? ErrorClass.Recoverable : ErrorClass.NonRecoverable, failed.Message,
                    failed.Remedy ?? $"See the log of agent '{agent}'.")),
                var other => throw new InvalidOperationException($"Agent '{agent}' answered {other.GetType().Name}."),
            };
        }
        catch (OperationCanceledException) when (!ct.IsCancellationRequested)
        {
            throw Away(agent, $"did not answer within {AnswerWithin.TotalSeconds:0} s");
        }
    }

    private static EffectFailedException Away(string agent, string how) => new(EffectError.Of(
            ErrorClass.Recoverable, $"Agent '{agent}' {how}.",
                "Start the agent, or see why it cannot reach the service."));
}
