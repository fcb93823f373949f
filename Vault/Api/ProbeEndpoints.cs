using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Api;

/// <summary>
/// What supervisors and load balancers ask, without a token: <c>GET /health/live</c> (200, or 503 when only a restart
/// helps) and <c>GET /health/ready</c> (200, or 503 while commands would be refused).
/// </summary>
internal static class ProbeEndpoints
{
    private const string Live = "/health/live";
    private const string Ready = "/health/ready";

    /// <summary>Adds the routes.</summary>
    public static void MapProbes(this IEndpointRouteBuilder routes)
    {
        string[] methods = [HttpMethods.Get, HttpMethods.Head];
        routes.MapMethods(Live, methods, (Readiness readiness) => Answer(readiness.WhyDead));
        routes.MapMethods(Ready, methods, async (Readiness readiness, CancellationToken ct) =>
            Answer(await readiness.WhyNotReadyAsync(ct)));
    }

    /// <summary>Whether a request is a probe, which needs no token.</summary>
    public static bool IsProbe(HttpRequest request) =>
        request.Path.Value is Live or Ready
        && (HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method));

    private static IResult Answer(IReadOnlyList<ReadinessReason> reasons) => Results.Json(
        new ReadinessView(reasons.Count == 0, reasons),
        statusCode: reasons.Count == 0 ? StatusCodes.Status200OK : StatusCodes.Status503ServiceUnavailable);
}
