using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Net.Http.Headers;
using ReplicationEngine.Agent.Protocol.Access;
using ReplicationEngine.Vault.Api;
using ReplicationEngine.Vault.Serving;

namespace ReplicationEngine.Vault.Access;

/// <summary>
/// Checks every request, whatever its path. A request is admitted only if it names the service by an expected host name
/// (a web page whose name resolves to this address would otherwise reach it), does not come from a page of another
/// origin, carries the API token, and has JSON content if it sends or changes anything (a cross-site form cannot send
/// JSON). Only the probes of <see cref="ProbeEndpoints"/> need no token, and they prove nothing about their connection.
/// Refusals are problem+json with the remedy.
/// </summary>
/// <param name="token">The service's API token.</param>
/// <param name="names">The host names by which requests may name the service.</param>
internal sealed class RequestGate(ApiToken token, IReadOnlySet<string> names)
{
    /// <summary>
    /// Returns the host names by which requests may name a service: those of its own machine, that of its listening
    /// address, and the configured ones.
    /// </summary>
    public static IReadOnlySet<string> NamesOf(ServeOptions options) => new HashSet<string>(
        ["127.0.0.1", "localhost", "::1", Bare(options.Listen.Host), .. options.HostNames],
        StringComparer.OrdinalIgnoreCase);

    /// <summary>
    /// Refuses a request that is not admitted; otherwise marks its connection as proven and calls the next handler.
    /// </summary>
    public Task AdmitAsync(HttpContext context, RequestDelegate next)
    {
        if (Refusal(context.Request) is { } refusal)
        {
            return refusal.ExecuteAsync(context);
        }

        if (!ProbeEndpoints.IsProbe(context.Request))
        {
            context.Features.Get<ConnectionDoor.Standing>()?.Prove();
        }

        return next(context);
    }

    private IResult? Refusal(HttpRequest request)
    {
        if (!names.Contains(Bare(request.Host.Host)))
        {
            return ApiErrors.Problem(
                StatusCodes.Status421MisdirectedRequest, "unknown-host",
                $"The request uses the host name '{request.Host.Host}', which this service does not accept; start it "
                + "with --host-name for that name, or use its listening address.");
        }

        if (IsOfAnotherPage(request.Headers, request.Host))
        {
            return ApiErrors.Problem(
                StatusCodes.Status403Forbidden, "cross-site",
                "The request comes from a web page of another origin; call the service from drctl or a program.");
        }

        if (!ProbeEndpoints.IsProbe(request) && !IsAdmittedBy(request.Headers))
        {
            request.HttpContext.Response.Headers.WWWAuthenticate = TokenChallenge.For(token);
            return ApiErrors.Problem(
                StatusCodes.Status401Unauthorized, "token-needed",
                "The request does not contain this service's API token; send the content of the file "
                + $"{ApiToken.FileName} in the service's data directory as 'Authorization: Bearer TOKEN', or give "
                + $"drctl that file with --token-file or {ServiceToken.FileVariable}.");
        }

        return NeedsJson(request) && !IsJson(request.ContentType)
            ? ApiErrors.Problem(
                StatusCodes.Status415UnsupportedMediaType, "json-needed",
                $"{request.Method} requires 'Content-Type: application/json', even without a body; "
                + $"the request has '{request.ContentType}'.")
            : null;
    }

    private static string Bare(string host) => host.Trim('[', ']');

    // Only browsers send these headers. A page of this service's own origin sends the host that the request names.
    private static bool IsOfAnotherPage(IHeaderDictionary headers, HostString host) =>
        (headers.Origin is { Count: > 0 } origin && origin != $"http://{host}")
        || headers["Sec-Fetch-Site"] is { Count: > 0 } site && site != "same-origin" && site != "none";

    private bool IsAdmittedBy(IHeaderDictionary headers) =>
        headers.Authorization is { Count: 1 } given && token.Admits(given);

    private static bool NeedsJson(HttpRequest request) =>
        !(HttpMethods.IsGet(request.Method) || HttpMethods.IsHead(request.Method)
            || HttpMethods.IsOptions(request.Method))
        || request.HttpContext.Features.Get<IHttpRequestBodyDetectionFeature>() is { CanHaveBody: true };

    private static bool IsJson(string? contentType) =>
        MediaTypeHeaderValue.TryParse(contentType, out var type)
        && type.MediaType.Equals("application/json", StringComparison.OrdinalIgnoreCase);
}
