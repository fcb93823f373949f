using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Agent.Control;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// The agents' way in: <c>GET /agent/control</c> and <c>GET /agent/data?vm=NAME&amp;direction=forward|reverse</c>, both
/// upgraded to raw two-way streams. The data stream authenticates itself by the VM's data key.
/// </summary>
internal static class AgentEndpoints
{
    /// <summary>Adds the routes.</summary>
    public static void MapAgents(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/agents", (AgentRegistry registry) => registry.Views());
        routes.MapGet("/agent/control", async (
            HttpContext context, AgentRegistry registry, IHostApplicationLifetime life) =>
        {
            if (await UpgradeAsync(context, UpgradeClient.ControlProtocol) is { } stream)
            {
                await UntilStoppedAsync(context, life, ending => registry.ServeAsync(stream, ending));
            }
        });
        routes.MapGet("/agent/data", async (
            HttpContext context, string vm, string direction, TargetSite site, IHostApplicationLifetime life) =>
        {
            if (site.SessionsOf(vm) is not { } sessions || direction is not ("forward" or "reverse"))
            {
                context.Response.StatusCode = StatusCodes.Status404NotFound;
                return;
            }

            if (await UpgradeAsync(context, UpgradeClient.DataProtocol) is { } stream)
            {
                await UntilStoppedAsync(
                    context, life, ending => sessions.ServeDataAsync(stream, direction == "reverse", ending));
            }
        });
    }

    /// <summary>
    /// A stream goes on for as long as both ends live, so a service that stops has to end it: its web server would
    /// wait for it.
    /// </summary>
    private static async Task UntilStoppedAsync(
        HttpContext context, IHostApplicationLifetime life, Func<CancellationToken, Task> serve)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(
            context.RequestAborted, life.ApplicationStopping);
        try
        {
            await serve(ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // Ended as asked.
        }
    }

    private static async Task<Stream?> UpgradeAsync(HttpContext context, string protocol)
    {
        var feature = context.Features.Get<IHttpUpgradeFeature>();
        if (feature is not { IsUpgradableRequest: true } || context.Request.Headers.Upgrade != protocol)
        {
            context.Response.StatusCode = StatusCodes.Status426UpgradeRequired;
            context.Response.Headers.Upgrade = protocol;
            return null;
        }

        context.Response.Headers.Upgrade = protocol;
        return await feature.UpgradeAsync();
    }
}
