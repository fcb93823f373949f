using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Jobs;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Contracts.Operations;
using ReplicationEngine.Vault.Effects;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// The endpoints of VMs: <c>/api/v1/vms…</c>. <see cref="VmOperations"/> and the contract's views define requests and
/// responses.
/// </summary>
internal static class VmEndpoints
{
    private const int LongestName = 64;
    private const int CleanUpTries = 50;
    private static readonly TimeSpan CleanUpPause = TimeSpan.FromMilliseconds(100);
    private const int LooksForWriters = 8;
    private static readonly TimeSpan LookForWritersEvery = TimeSpan.FromMilliseconds(200);

    /// <summary>Adds the routes.</summary>
    public static void MapVms(this IEndpointRouteBuilder routes)
    {
        var group = routes.MapGroup("/api/v1/vms");
        group.MapGet("/", ListAsync);
        group.MapGet("/{vm}", async (string vm, VmReadModel model, VmViews views, CancellationToken ct) =>
            IsName(vm) && View(vm, await model.LookAsync(vm, ct), views) is { } view
                ? Results.Ok(view) : ApiErrors.UnknownVm(vm));
        group.MapPost("/{vm}/lift-quarantine", LiftQuarantineAsync);
        group.MapGet("/{vm}/points", async (string vm, VmReadModel model, CancellationToken ct) =>
            IsName(vm) && await model.FindAsync(vm, ct) is { } state
                ? Results.Ok(state.Points.Reverse().Select(VmViews.Point).ToList()) : ApiErrors.UnknownVm(vm));
        group.MapPost("/{vm}/operations/{operation}", OperateAsync);
        group.MapGet("/{vm}/log", HistoryEndpoint.AnswerAsync);
    }

    /// <summary>Returns the state of a VM that was ever protected; null when no VM has this name.</summary>
    public static async Task<ProtectedVmState?> FindAsync(ProtectedVms vms, string vm, CancellationToken ct)
    {
        if (!IsName(vm))
        {
            return null;
        }

        var view = await vms.Get(vm).StateAsync(ct);
        return view.Sequence == 0 ? null : view.State;
    }

    private static async Task<IResult> ListAsync(VmReadModel model, VmViews views, CancellationToken ct) =>
        Results.Ok(
            (await model.AllAsync(ct)).Select(each => View(each.Vm, each.Observe, views)).OfType<VmView>().ToList());

    private static VmView? View(string vm, VmReading observation, VmViews views) =>
        observation.Quarantine is { } cause ? views.Quarantined(vm, cause)
        : observation.View is { Sequence: > 0 } known ? views.Of(known.State)
        : null;

    private static async Task<IResult> LiftQuarantineAsync(
        string vm, ProtectedVms vms, VmReadModel model, VmViews views, TargetRestore target, CancellationToken ct)
    {
        if (!IsName(vm))
        {
            return ApiErrors.UnknownVm(vm);
        }

        var lifted = await vms.Get(vm).LiftQuarantineAsync(ct);
        if (lifted.Sequence == 0)
        {
            return ApiErrors.UnknownVm(vm);
        }

        model.Retake(vm);
        await target.RestoreAsync(vm, lifted.State, ct);
        return Results.Ok(views.Of(lifted.State));
    }

    private static async Task<IResult> OperateAsync(
        string vm, string operation, JsonElement body, HttpContext context, OperationServices services)
    {
        var ct = context.RequestAborted;
        if (!IsName(vm))
        {
            throw new BadRequestException(
                $"'{vm}' is not a valid VM name; use 1 to {LongestName} letters, digits, '.', '_' or '-', starting "
                    + "with a letter or digit.");
        }

        var row = VmOperations.Named(operation);
        var arguments = row.Read(body);
        if (row.Operation is not Operation.Enable && await FindAsync(services.Vms, vm, ct) is null)
        {
            return ApiErrors.UnknownVm(vm);
        }

        var asksForWriters = arguments is PlannedFailoverArguments { Force: false };
        var command = row.CommandFor(vm, arguments, await FactsAsync(vm, asksForWriters, services, ct));
        if (command is ProtectedVmCommand.Enable)
        {
            await UntilCleanedUpAsync(services, vm, ct);
        }

        var id = CommandIdOf(arguments);
        var reply = await services.Vms.Get(vm).RequestAsync(
            command, id, row.DigestOf(arguments), "operator", ct);
        if (ApiErrors.Of(reply) is { } refusal)
        {
            return refusal;
        }

        var sequence = ((CommandReply.Accepted)reply).Sequence;
        var job = await JobOfAsync(services.Vms, vm, row.Job, id, sequence, ct);

        // A client that reads next sees the change.
        await services.Model.PassedAsync(vm, sequence, ct);
        return Results.Accepted(value: new OperationAccepted(job is { } number ? VmViews.JobId(vm, number) : null));
    }

    /// <summary>
    /// Returns the job that a request started, which has the number of one of the request's own events, also when the
    /// request is repeated. Null when the request started none.
    /// </summary>
    private static async Task<long?> JobOfAsync(
        ProtectedVms vms, string vm, JobKind? kind, CommandId id, long last, CancellationToken ct)
    {
        var state = await vms.StateAsync(vm, ct);
        return state.Accepted.LastOrDefault(accepted => accepted.Id == id) is { } first
            ? state.Jobs.FirstOrDefault(job => job.Kind == kind && job.Id > first.Event && job.Id <= last)?.Id
            : null;
    }

    // A failed protect is cleaned up within moments. If it cannot be cleaned up, the refusal reports it.
    private static async Task UntilCleanedUpAsync(OperationServices services, string vm, CancellationToken ct)
    {
        for (var tries = 0; tries < CleanUpTries; tries++)
        {
            var state = await services.Vms.StateAsync(vm, ct);
            if (state.Phase is not Phase.EnableFailed { CleanUpOwed: true } || state.Retries.Count > 0)
            {
                return;
            }

            await Task.Delay(CleanUpPause, services.Time, ct);
        }
    }

    // An agent's report about its disks' clients may be a second old. A machine that was just shut down must not be
    // reported as a writer.
    private static async Task<OperationFacts> FactsAsync(
        string vm, bool asksForWriters, OperationServices services, CancellationToken ct)
    {
        var writers = asksForWriters ? Writers(vm, services) : [];
        for (var look = 0; look < LooksForWriters && writers.Count > 0; look++)
        {
            await Task.Delay(LookForWritersEvery, services.Time, ct);
            writers = Writers(vm, services);
        }

        return new OperationFacts(
            services.Agents.ConnectedAgents, services.Site.Find(vm)?.Live?.WrittenBytes ?? 0,
            services.Agents.Observations.Status(vm)?.HasHooks)
        {
            Writers = writers,
        };
    }

    private static IReadOnlyList<string> Writers(string vm, OperationServices services) =>
        services.Agents.Observations.Status(vm) is { StopsGuest: false } status
            ? [.. status.Clients.Where(c => !c.ReadOnly).Select(c => c.Who).Distinct(StringComparer.Ordinal)] : [];

    private static CommandId CommandIdOf(OperationArguments arguments)
    {
        if (arguments.CommandId is null)
        {
            return new CommandId(Guid.CreateVersion7());
        }

        return Guid.TryParse(arguments.CommandId, out var id) ? new CommandId(id) : throw new BadRequestException(
            $"Command id '{arguments.CommandId}' is not a GUID; omit it or give one.");
    }

    private static bool IsName(string vm) =>
        vm.Length is > 0 and <= LongestName && char.IsAsciiLetterOrDigit(vm[0])
        && vm.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '_' or '-');
}

/// <summary>The services that an operation needs.</summary>
internal sealed record OperationServices(
    ProtectedVms Vms, VmReadModel Model, AgentRegistry Agents, TargetSite Site, TimeProvider Time);
