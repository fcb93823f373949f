using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Api;

/// <summary>The jobs of all VMs: <c>/api/v1/jobs</c> and <c>/api/v1/jobs/{id}</c> (OPS-1).</summary>
internal static class JobEndpoints
{
    /// <summary>Adds the routes.</summary>
    public static void MapJobs(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/jobs", async (string? vm, ProtectedVms vms, CancellationToken ct) =>
        {
            var jobs = new List<JobView>();
            foreach (var name in await vms.ListAsync(ct))
            {
                if ((vm is null || vm == name) && (await vms.LookAsync(name, ct)).View is { } view)
                {
                    jobs.AddRange(VmViews.Jobs(view.State));
                }
            }

            return jobs.OrderByDescending(job => job.StartedAt).ToList();
        });
        routes.MapGet("/api/v1/jobs/{id}", async (string id, ProtectedVms vms, CancellationToken ct) =>
        {
            var vm = id.Split(':')[0];
            var state = await VmEndpoints.FindAsync(vms, vm, ct);
            return state is not null && VmViews.Jobs(state).FirstOrDefault(job => job.Id == id) is { } job
                ? Results.Ok(job)
                : ApiErrors.Problem(
                    StatusCodes.Status404NotFound, "unknown-job",
                        $"There is no job '{id}'; see `drctl jobs` for those there are.");
        });
    }
}
