using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Persistence.ReadModels;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Api;

/// <summary>The jobs of all VMs: <c>/api/v1/jobs</c> and <c>/api/v1/jobs/{id}</c> (OPS-1).</summary>
internal static class JobEndpoints
{
    /// <summary>Adds the routes.</summary>
    public static void MapJobs(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/jobs", ListAsync);
        routes.MapGet("/api/v1/jobs/{id}", OneAsync);
    }

    // A job is named by the event that started it, so a client that was given the id may ask before the read model has
    // the job.
    private static async Task<IResult> OneAsync(
        string id, IReplicationEngine engine, VmReadModel model, ProtectedVms vms, CancellationToken ct)
    {
        var job = await FindAsync(engine.ReadModel, id, ct);
        if (job is null && Parse(id) is var (vm, number)
            && (await vms.LookAsync(vm, ct)).View is { } view && view.Sequence >= number)
        {
            if (!await model.PassedAsync(vm, number, ct))
            {
                throw new ProjectionBehindException(ProtectedVmProjection.ProjectionName);
            }

            job = await FindAsync(engine.ReadModel, id, ct);
        }

        return job is null ? UnknownJob(id) : Results.Ok(VmViews.Job(job.Vm, job.Read()));
    }

    /// <summary>
    /// Returns jobs, newest first: with <c>?vm=</c> those of one VM, with <c>?after=ID</c> those older than that job.
    /// </summary>
    private static async Task<IResult> ListAsync(
        IReplicationEngine engine, CancellationToken ct, string? vm = null, string? after = null, int? most = null)
    {
        var (vault, count) = (ProtectedVms.Vault.Value, PageSize.Of(most));
        var last = after is null ? null : await FindAsync(engine.ReadModel, after, ct);
        if (after is not null && last is null)
        {
            return UnknownJob(after);
        }

        IEnumerable<JobDocument> jobs;
        if (vm is not null)
        {
            jobs = await engine.ReadModel.ListAsync<JobDocument>(
                ProtectedVmProjection.ProjectionName,
                new DocumentRange($"{vault}|{vm}|", count, last?.Id, Descending: true), ct);
        }
        else
        {
            var behind = last is null
                ? null : JobByTimeDocument.IdOf(vault, last.Read().StartedAt, last.Vm, last.Number);
            jobs = (await engine.ReadModel.ListAsync<JobByTimeDocument>(
                ProtectedVmProjection.ProjectionName,
                new DocumentRange($"{vault}|", count, behind, Descending: true), ct)).Select(entry => entry.Job);
        }

        return Results.Ok(jobs.Select(job => VmViews.Job(job.Vm, job.Read())).ToList());
    }

    private static async ValueTask<JobDocument?> FindAsync(IReadModel model, string id, CancellationToken ct) =>
        Parse(id) is var (vm, number)
            ? await model.FindAsync<JobDocument>(
                ProtectedVmProjection.ProjectionName, JobDocument.IdOf(ProtectedVms.Vault.Value, vm, number), ct)
            : null;

    private static (string Vm, long Number)? Parse(string id) =>
        id.LastIndexOf(':') is > 0 and var colon
            && long.TryParse(id.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            ? (id[..colon], number) : null;

    private static IResult UnknownJob(string id) => ApiErrors.Problem(
        StatusCodes.Status404NotFound, "unknown-job",
        $"There is no job '{id}'; `drctl jobs` lists the jobs.");
}
