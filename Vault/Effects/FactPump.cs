using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>
/// Tells the VMs what was observed of them. It compares what is so (agents' reports, replicas) with what the VM's state
/// says and sends the difference as facts, so nothing is missed when a signal is lost or the service restarts. A VM is
/// looked at when its agent reports it (every second), when its replica changes, and every five seconds: a VM that its
/// agent says nothing of is one to look at.
/// </summary>
internal sealed partial class FactPump(
    ProtectedVms vms, FactFinder finder, AgentRegistry agents, TargetSite site, TimeProvider time,
    ILogger<FactPump> logger)
        : BackgroundService
{
    private static readonly TimeSpan LookAtAllEvery = TimeSpan.FromSeconds(5);
    private readonly ConcurrentDictionary<string, bool> _due = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _signal = new(0);
    private readonly ConcurrentDictionary<string, Task> _kept = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<string, Task> _welcomes = new(StringComparer.Ordinal);

    /// <inheritdoc/>
    public override void Dispose()
    {
        _signal.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        agents.Reported += (agent, status) =>
        {
            site.Find(status.Vm)?.NoteReport(SourceReports.Sight(status), agents.Clocks.Before(agent, status));
            Due(status.Vm);
        };
        agents.Connected += agent => _welcomes[agent] = WelcomeAsync(agent, stoppingToken);
        agents.Disconnected += _ => DueAll();
        site.Changed += Due;
        DueAll();
        await LookAsync(stoppingToken);
    }

    private async Task WelcomeAsync(string agent, CancellationToken ct)
    {
        foreach (var vm in await vms.ListAsync(ct))
        {
            if ((await vms.LookAsync(vm, ct)).View is not { State: var state } view
                || state.Enrollment.Agent != agent || state.Phase is Phase.NotProtected)
            {
                continue;
            }

            var problem = await finder.WelcomeAsync(
                state, async (fact, ending) => await vms.TellAsync(vm, fact, $"connected|{view.Sequence}", ending), ct);
            if (problem is not null)
            {
                NotDirected(agent, vm, problem);
            }
        }
    }

    private void Due(string vm)
    {
        if (_due.TryAdd(vm, true))
        {
            _signal.Release();
        }
    }

    private void DueAll()
    {
        foreach (var vm in site.Vms)
        {
            Due(vm);
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        var looked = time.GetTimestamp();
        while (!ct.IsCancellationRequested)
        {
            // However busy the others are, each VM has its turn.
            if (!await _signal.WaitAsync(LookAtAllEvery, ct) || time.GetElapsedTime(looked) >= LookAtAllEvery)
            {
                looked = time.GetTimestamp();
                DueAll();
            }

            foreach (var vm in _due.Keys)
            {
                _due.TryRemove(vm, out _);
                await LookAtAsync(vm, ct);
            }
        }
    }

    private async Task KeepAsync(string vm, ProtectedVmState state, CancellationToken ct)
    {
        if (await finder.KeepAsync(state, ct) is { } problem)
        {
            NotDirected(state.Enrollment.Agent, vm, problem);
        }
    }

    private async Task LookAtAsync(string vm, CancellationToken ct)
    {
        try
        {
            var view = await vms.Get(vm).StateAsync(ct);
            _kept[vm] = KeepAsync(vm, view.State, ct);
            foreach (var fact in finder.Facts(view.State))
            {
                var reply = await vms.TellAsync(vm, fact, $"{view.Sequence}|{fact}", ct);
                if (reply is not CommandReply.Accepted)
                {
                    NotTaken(vm, fact.GetType().Name, reply.ToString());
                }
            }
        }
        catch (EntityUnavailableException e)
        {
            NotTaken(vm, "state", e.Message);
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Vm}' did not take {Fact}: {Reply}")]
    private partial void NotTaken(string vm, string fact, string reply);

    [LoggerMessage(Level = LogLevel.Warning, Message = "agent '{Agent}' could not be directed for '{Vm}': {Reason}")]
    private partial void NotDirected(string agent, string vm, string reason);
}
