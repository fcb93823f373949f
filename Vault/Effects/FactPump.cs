using System.Collections.Concurrent;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Orchestration.Effects;
using ReplicationEngine.Orchestration.Sources;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Api;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Effects;

/// <summary>
/// Reports observations to the VM entities. Compares the actual state (agents' reports, replicas) with the recorded
/// state and sends the differences as commands, so nothing is missed when a signal is lost or the service restarts. A
/// VM is checked when its agent reports it (every second), when its replica changes, and every other second, because an
/// agent that reports nothing of a VM gives no signal.
/// </summary>
internal sealed partial class FactPump : BackgroundService
{
    private static readonly TimeSpan LookAtAllEvery = TimeSpan.FromSeconds(2);
    private readonly ProtectedVms _vms;
    private readonly VmReadModel _model;
    private readonly FactFinder _finder;
    private readonly AgentRegistry _agents;
    private readonly TargetSite _site;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly ObservedWork _kept;
    private readonly ObservedWork _welcomes;
    private readonly ConcurrentDictionary<string, bool> _due = new(StringComparer.Ordinal);
    private readonly SemaphoreSlim _signal = new(0);

    public FactPump(
        ProtectedVms vms, VmReadModel model, FactFinder finder, AgentRegistry agents, TargetSite site,
        TimeProvider time, ILogger<FactPump> logger)
    {
        (_vms, _model, _finder, _agents, _site, _time, _logger) = (vms, model, finder, agents, site, time, logger);
        _kept = new ObservedWork((vm, e, pause) => NotKept(vm, pause, e), time);
        _welcomes = new ObservedWork((agent, e, pause) => NotWelcomed(agent, pause, e), time);
    }

    /// <inheritdoc/>
    public override void Dispose()
    {
        _signal.Dispose();
        base.Dispose();
    }

    /// <inheritdoc/>
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        _agents.Reported += (agent, status) =>
        {
            _finder.NoteReport(agent, status);
            Due(status.Vm);
        };
        _agents.Connected += agent => _welcomes.Begin(agent, ct => WelcomeAllAsync(agent, ct), stoppingToken);
        _agents.Disconnected += _ => DueAll();
        _site.Changed += Due;
        var regular = DueRegularlyAsync(stoppingToken);
        try
        {
            await LookAsync(stoppingToken);
        }
        finally
        {
            await Task.WhenAll(regular, _kept.EndAsync(), _welcomes.EndAsync())
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    // A VM whose source is slow must not delay the other VMs.
    private async Task WelcomeAllAsync(string agent, CancellationToken ct) =>
        await Task.WhenAll((await _model.OfAgentAsync(agent, ct)).Select(vm => WelcomeAsync(agent, vm, ct)));

    private async Task WelcomeAsync(string agent, string vm, CancellationToken ct)
    {
        if ((await _vms.LookAsync(vm, ct)).View is not { State: var state } view
            || state.Enrollment.Agent != agent || state.Phase is Phase.NotProtected)
        {
            return;
        }

        var problem = await _finder.WelcomeAsync(
            state,
            async (fact, ending) =>
                await _vms.TellAsync(vm, fact, EngineCommandIds.OfConnection(vm, fact, view.Sequence), ending),
            ct);
        if (problem is not null)
        {
            NotDirected(agent, vm, problem);
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
        foreach (var vm in _site.Vms)
        {
            Due(vm);
        }
    }

    private async Task LookAsync(CancellationToken ct)
    {
        while (!ct.IsCancellationRequested)
        {
            await _signal.WaitAsync(ct);
            foreach (var vm in _due.Keys)
            {
                _due.TryRemove(vm, out _);
                await LookAtAsync(vm, ct);
            }
        }
    }

    // Silence gives no signal: a regular check notices an agent that has stopped reporting, whatever the others report.
    private async Task DueRegularlyAsync(CancellationToken ct)
    {
        using var timer = new PeriodicTimer(LookAtAllEvery, _time);
        do
        {
            DueAll();
        }
        while (await timer.WaitForNextTickAsync(ct));
    }

    private async Task KeepAsync(string vm, ProtectedVmState state, CancellationToken ct)
    {
        if (await _finder.KeepAsync(state, ct) is { } problem)
        {
            NotDirected(state.Enrollment.Agent, vm, problem);
        }
    }

    private async Task LookAtAsync(string vm, CancellationToken ct)
    {
        try
        {
            var view = await _vms.Get(vm).StateAsync(ct);
            _kept.Begin(vm, ending => KeepAsync(vm, view.State, ending), ct);
            foreach (var fact in _finder.Facts(view.State))
            {
                var id = EngineCommandIds.OfFact(vm, fact, view.Sequence);
                var reply = await _vms.TellAsync(vm, fact, id, ct);
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

    [LoggerMessage(Level = LogLevel.Error,
        Message = "the source of '{Vm}' could not be checked; retry in {Pause}")]
    private partial void NotKept(string vm, TimeSpan pause, Exception exception);

    [LoggerMessage(Level = LogLevel.Error,
        Message = "agent '{Agent}' could not be given its directives; retry in {Pause}")]
    private partial void NotWelcomed(string agent, TimeSpan pause, Exception exception);

    [LoggerMessage(Level = LogLevel.Warning, Message = "'{Vm}' did not accept {Fact}: {Reply}")]
    private partial void NotTaken(string vm, string fact, string reply);

    [LoggerMessage(Level = LogLevel.Warning, Message = "agent '{Agent}' could not be directed for '{Vm}': {Reason}")]
    private partial void NotDirected(string agent, string vm, string reason);
}
