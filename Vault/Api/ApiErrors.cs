using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Diagnostics;
using Microsoft.AspNetCore.Http;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Api;

/// <summary>Translates every failure of the API into problem+json (RFC 9457).</summary>
internal static class ApiErrors
{
    /// <summary>Handles the exceptions of endpoints; logs only those that are a fault of the service.</summary>
    public static ExceptionHandlerOptions Handler { get; } = new()
    {
        ExceptionHandler = AnswerAsync,
        SuppressDiagnosticsCallback = context =>
            context.Exception is BadRequestException or BadHttpRequestException or EntityUnavailableException
                or JournalUnavailableException or JournalCorruptException or ProjectionBehindException,
    };

    private static async Task AnswerAsync(HttpContext context)
    {
        var exception = context.Features.Get<IExceptionHandlerFeature>()?.Error;
        var problem = exception switch
        {
            BadRequestException e => Problem(StatusCodes.Status400BadRequest, "bad-request", e.Message),
            BadHttpRequestException e => Problem(
                e.StatusCode, "bad-request", e.InnerException?.Message ?? e.Message),
            EntityUnavailableException { Reply: CommandReply.Quarantined quarantined } => Of(quarantined)!,
            EntityUnavailableException e => Problem(StatusCodes.Status503ServiceUnavailable, "unavailable", e.Message),
            JournalUnavailableException e => Problem(
                StatusCodes.Status503ServiceUnavailable, "journal-unavailable", e.Message),
            JournalCorruptException e => Problem(
                StatusCodes.Status503ServiceUnavailable, "journal-damaged", e.Message),
            ProjectionBehindException e => Problem(
                StatusCodes.Status503ServiceUnavailable, "projection-behind", e.Message),
            _ => Problem(
                StatusCodes.Status500InternalServerError, "internal-error",
                "The service failed with an internal error; its log has the details."),
        };
        await problem.ExecuteAsync(context);
    }

    /// <summary>Returns a problem with a stable code.</summary>
    public static IResult Problem(int status, string code, string detail) =>
        Results.Problem(detail, statusCode: status,
            extensions: new Dictionary<string, object?>(StringComparer.Ordinal) { ["code"] = code });

    /// <summary>Returns the problem for a VM name that is unknown.</summary>
    public static IResult UnknownVm(string vm) => Problem(
        StatusCodes.Status404NotFound, "unknown-vm",
            $"There is no protected VM '{vm}'; `drctl status` lists the VMs.");

    /// <summary>
    /// Returns the problem for a reply that is not an acceptance; null when the command was accepted.
    /// </summary>
    public static IResult? Of(CommandReply reply) => reply switch
    {
        CommandReply.Accepted => null,
        CommandReply.Refused refused => Problem(
            StatusCodes.Status409Conflict, refused.Refusal.Code, refused.Refusal.Message),
        CommandReply.Quarantined quarantined => Problem(
            StatusCodes.Status503ServiceUnavailable, "quarantined", quarantined.Cause),
        CommandReply.Unavailable unavailable => Problem(
            StatusCodes.Status503ServiceUnavailable, ApiText.Of(unavailable.Reason), unavailable.Message),
        _ => throw new InvalidOperationException($"Unknown reply: {reply.GetType().Name}."),
    };
}
