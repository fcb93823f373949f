using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.ReadModels;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// The endpoints of the read models, the service's health and the audit log: <c>/api/v1/projections</c>,
/// <c>/api/v1/health</c> and <c>/api/v1/audit</c>.
/// </summary>
internal static class ProjectionEndpoints
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Adds the routes.</summary>
    public static void MapProjections(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/projections", async (IReplicationEngine engine, CancellationToken ct) =>
            Results.Ok((await engine.ReadModel.StatusAsync(ct)).Select(View).ToList()));
        routes.MapPost(
            "/api/v1/projections/{name}/rebuild",
            async (string name, IReplicationEngine engine, CancellationToken ct) =>
            {
                try
                {
                    await engine.ReadModel.RebuildAsync(name, ct);
                    return Results.Accepted();
                }
                catch (UnknownProjectionException e)
                {
                    return ApiErrors.Problem(StatusCodes.Status404NotFound, "unknown-projection", e.Message);
                }
            });
        routes.MapGet("/api/v1/audit", AuditAsync);
        routes.MapGet("/api/v1/health", HealthAsync);
    }

    // While the database is away or hangs, the response reports the journal's trouble, without waiting for the
    // database.
    private static async Task<IResult> HealthAsync(
        IReplicationEngine engine, VmReadModel vms, VmViews views, TimeProvider time, CancellationToken ct)
    {
        IReadOnlyList<ProjectionStatus> projections = [];
        IReadOnlyList<(string Vm, VmReading Observe)> observations = [];
        string? unread = null;
        try
        {
            var status = engine.ReadModel.StatusAsync(ct).AsTask();
            var all = vms.AllAsync(ct).AsTask();
            await Task.WhenAll(status, all).WaitAsync(s_patience, time, ct);
            (projections, observations) = (await status, await all);
        }
        catch (JournalUnavailableException e)
        {
            unread = e.Message.TrimEnd('.');
        }
        catch (TimeoutException)
        {
            unread = $"it did not respond within {s_patience.TotalSeconds:0} s";
        }

        var trouble = engine.Trouble.Current ?? (unread is null ? null : (unread, time.GetUtcNow()));
        var outOfService = observations.Where(each => each.Observe.Quarantine is not null)
            .SelectMany(each => views.Quarantined(each.Vm, each.Observe.Quarantine!).Causes);
        var causes = new[] { VmViews.JournalCause(trouble) }.OfType<CauseView>().Concat(outOfService)
            .Concat(projections.Where(status => status.Trouble is not null).Select(ReadModelCause)).ToList();
        var critical = causes.Exists(cause => cause.Severity == "critical");
        return Results.Ok(new HealthView(
            critical ? "critical" : causes.Count > 0 ? "warning" : "normal", causes,
            [.. projections.Select(View)]));
    }

    private static CauseView ReadModelCause(ProjectionStatus status) => new(
        "read-model-trouble", "warning",
        $"The read model '{status.Name}' does not follow the journal: {status.Trouble!.Value.What}. The state shown "
        + "for VMs may be outdated.",
        "The service retries; see `drctl projections status`.", status.Trouble.Value.Since);

    /// <summary>
    /// Returns the accepted commands of users, newest first: with <c>?vm=</c> those of one VM, with <c>?after=ID</c>
    /// those before that entry.
    /// </summary>
    private static async Task<IResult> AuditAsync(
        IReplicationEngine engine, VmReadModel vms, CancellationToken ct, string? vm = null, string? after = null,
        int? most = null)
    {
        var (vault, count) = (ProtectedVms.Vault.Value, PageSize.Of(most));
        var behind = after is null ? null : $"{vault}|{after}";
        if (vm is null)
        {
            var all = await engine.ReadModel.ListAsync<AuditDocument>(
                AuditProjection.ProjectionName, new DocumentRange($"{vault}|", count, behind, Descending: true), ct);
            return Results.Ok(all.Select(entry => View(entry, entry.Id[(vault.Length + 1)..])).ToList());
        }

        var own = await engine.ReadModel.ListAsync<AuditOfVmDocument>(
            AuditProjection.ProjectionName, new DocumentRange($"{vault}|{vm}|", count, behind, Descending: true), ct);
        return own.Count == 0 && await vms.FindAsync(vm, ct) is null
            ? ApiErrors.UnknownVm(vm)
            : Results.Ok(own.Select(each => View(each.Entry, each.Id[(vault.Length + 1)..])).ToList());
    }

    private static AuditView View(AuditDocument entry, string id) => new(
        id, entry.Time, entry.Vm, entry.Actor, entry.Command, entry.CommandId, entry.Sequence);

    private static ProjectionView View(ProjectionStatus status) => new(
        status.Name, status.Version, status.Generation, ApiText.Of(status.Activity),
        status.Position.ToString(), status.Behind, status.Trouble?.What, status.Trouble?.Since);
}
