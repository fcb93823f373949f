using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.Hosting;
using ReplicationEngine.Agent.Protocol.Control;
using ReplicationEngine.Vault.Agents;
using ReplicationEngine.Vault.Effects;
using ReplicationEngine.Vault.Target;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// The endpoints of agents: <c>GET /agent/control</c> and <c>GET /agent/data?vm=NAME&amp;direction=forward|reverse</c>,
/// both upgraded to raw two-way streams. A data stream carries the secret of its agent's control session in the header
/// <see cref="StreamUpgrade.SessionHeader"/>, and proves with the VM's data key that it belongs to the VM.
/// </summary>
internal static class AgentEndpoints
{
    /// <summary>Adds the routes.</summary>
    public static void MapAgents(this IEndpointRouteBuilder routes)
    {
        routes.MapGet("/api/v1/agents", (AgentRegistry registry) => registry.Views());
        routes.MapDelete("/api/v1/agents/{name}", (string name, AgentRegistry registry) => Forget(name, registry));
        routes.MapGet("/agent/control", ServeControlAsync);
        routes.MapGet("/agent/data", ServeDataAsync);
    }

    private static IResult Forget(string name, AgentRegistry registry) => registry.Forget(name) switch
    {
        ForgetOutcome.Forgotten => Results.NoContent(),
        ForgetOutcome.Connected => ApiErrors.Problem(
            StatusCodes.Status409Conflict, "agent-connected",
            $"Agent '{name}' is connected; stop it before its name is released."),
        _ => ApiErrors.Problem(
            StatusCodes.Status404NotFound, "unknown-agent", $"No agent named '{name}' is registered."),
    };

    private static async Task ServeControlAsync(
        HttpContext context, AgentRegistry registry, AgentStreams streams, IHostApplicationLifetime life)
    {
        using var place = Enter(context, streams);
        if (place is not null && await UpgradeAsync(context, StreamUpgrade.ControlProtocol) is { } stream)
        {
            var address = $"{context.Connection.RemoteIpAddress}:{context.Connection.RemotePort}";
            await UntilStoppedAsync(
                context, ending => registry.ServeAsync(stream, address, ending), life.ApplicationStopping);
        }
    }

    private static async Task ServeDataAsync(
        HttpContext context, string vm, string direction, DataStreamServices services, IHostApplicationLifetime life)
    {
        if (services.Site.SessionsOf(vm) is not { } sessions || direction is not ("forward" or "reverse"))
        {
            Refuse(context, StatusCodes.Status404NotFound, $"This service has nothing to replicate for VM '{vm}'.");
            return;
        }

        var agent = (await services.Vms.LookAsync(vm, context.RequestAborted)).View?.State.Enrollment.Agent;
        var secret = context.Request.Headers[StreamUpgrade.SessionHeader].ToString();
        if (agent is null || services.Agents.LifeOf(agent, secret) is not { } owner)
        {
            Refuse(
                context, StatusCodes.Status403Forbidden,
                $"The stream does not belong to the session of the agent that protects '{vm}'.");
            return;
        }

        using var place = Enter(context, services.Streams);
        if (place is not null && await UpgradeAsync(context, StreamUpgrade.DataProtocol) is { } stream)
        {
            using var either = CancellationTokenSource.CreateLinkedTokenSource(owner, life.ApplicationStopping);
            await UntilStoppedAsync(
                context, ending => sessions.ServeDataAsync(stream, direction == "reverse", ending), either.Token);
        }
    }

    private static IDisposable? Enter(HttpContext context, AgentStreams streams)
    {
        if (streams.TryEnter() is { } place)
        {
            return place;
        }

        Refuse(
            context, StatusCodes.Status503ServiceUnavailable,
            $"The service already has {AgentStreams.Most} agent streams; retry later.");
        return null;
    }

    private static void Refuse(HttpContext context, int status, string reason)
    {
        context.Response.StatusCode = status;
        context.Response.Headers[StreamUpgrade.ReasonHeader] =
            string.Concat(reason.Select(c => c is >= ' ' and <= '~' ? c : '?'));
    }

    /// <summary>
    /// Serves a stream until it ends or the service stops. A stream lasts as long as both ends live, so a service that
    /// stops has to end it: its web server would wait for it. A broken stream is aborted, because its other end may
    /// never take the remaining data.
    /// </summary>
    private static async Task UntilStoppedAsync(
        HttpContext context, Func<CancellationToken, Task> serve, CancellationToken stopped)
    {
        using var ending = CancellationTokenSource.CreateLinkedTokenSource(context.RequestAborted, stopped);
        try
        {
            await serve(ending.Token);
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The stream ended as requested.
            context.Abort();
        }
        catch (Exception e) when (e is IOException or InvalidDataException)
        {
            // The session has logged the reason.
            context.Abort();
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

/// <summary>The services that the serving of a data stream needs.</summary>
internal sealed record DataStreamServices(
    AgentRegistry Agents, TargetSite Site, ProtectedVms Vms, AgentStreams Streams);
