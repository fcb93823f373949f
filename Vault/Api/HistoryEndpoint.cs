using System.Globalization;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Persistence.Replay;
using ReplicationEngine.Persistence.Serialization.ProtectedVms;
using ReplicationEngine.Vault.Contracts;
using ReplicationEngine.Vault.Effects;

namespace ReplicationEngine.Vault.Api;

/// <summary><c>GET /api/v1/vms/{vm}/log</c>: the history of a VM, or its state after an event (OPS-5).</summary>
internal static class HistoryEndpoint
{
    /// <summary>
    /// Returns at most <c>?most=N</c> events of the history from event <c>?from=SEQ</c> on, oldest first; with
    /// <c>?at=SEQ|TIME</c> returns the state at that event or time.
    /// </summary>
    public static async Task<IResult> AnswerAsync(
        string vm, string? at, ProtectedVms vms, CancellationToken ct, long from = 1, int? most = null)
    {
        var count = PageSize.Of(most);
        if (from < 1)
        {
            throw new BadRequestException($"'from' is {from}; the first event is 1.");
        }

        if (await VmEndpoints.FindAsync(vms, vm, ct) is null)
        {
            return ApiErrors.UnknownVm(vm);
        }

        var handle = vms.Get(vm);
        if (at is not null)
        {
            return await StateAtAsync(handle, at, ct);
        }

        var lines = new List<LogLineView>();
        await foreach (var e in handle.HistoryAsync(from, from + count - 1, ct))
        {
            var data = JsonNode.Parse(ProtectedVmCodec.ToJson(e.Event)) ?? new JsonObject();
            lines.Add(new LogLineView(e.Sequence, e.Time, e.Name, e.Actor, data));
        }

        return Results.Ok(lines);
    }

    private static async Task<IResult> StateAtAsync(
        IEntityHandle<ProtectedVmState, ProtectedVmCommand, ProtectedVmEvent> handle, string at, CancellationToken ct)
    {
        EntityView<ProtectedVmState> view;
        if (long.TryParse(at, NumberStyles.None, CultureInfo.InvariantCulture, out var sequence))
        {
            view = await handle.StateAtAsync(sequence, ct);
            if (sequence == 0 || view.Sequence != sequence)
            {
                return ApiErrors.Problem(
                    StatusCodes.Status404NotFound, "unknown-event",
                    $"There is no event {sequence} of '{handle.Id.Entity}'; "
                        + $"its events are 1 to {(await handle.StateAsync(ct)).Sequence}.");
            }
        }
        else if (DateTimeOffset.TryParse(
            at, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal,
                out var time))
        {
            view = await handle.StateAtAsync(time, ct);
            if (view.Sequence == 0)
            {
                return ApiErrors.Problem(
                    StatusCodes.Status404NotFound, "unknown-event",
                    $"'{handle.Id.Entity}' did not exist at {time:yyyy-MM-dd HH:mm:ss}Z; "
                        + "its first event is later.");
            }
        }
        else
        {
            throw new BadRequestException(
                $"'{at}' is neither a sequence number nor a time; give a number, or a time such as "
                    + $"2026-01-31T12:00:00Z.");
        }

        var moment = DateTimeOffset.UnixEpoch;
        await foreach (var e in handle.HistoryAsync(view.Sequence, view.Sequence, ct))
        {
            moment = e.Time;
        }

        return Results.Ok(new StateAtView(
            view.Sequence, moment, PhaseName.Of(view.State.Phase),
            ProtectedVmHealth.Of(view.State).Word, StateOf(view.State)));
    }

    /// <summary>Returns a state as JSON with member names in the style of the API.</summary>
    public static JsonNode StateOf(ProtectedVmState state) =>
        StateJson.Of(new ProtectedVmCodec(), state);
}
