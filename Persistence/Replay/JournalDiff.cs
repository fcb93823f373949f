using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>How a stream differs between two logs.</summary>
public enum StreamRelation
{
    /// <summary>The logs have the same events.</summary>
    Equal,

    /// <summary>Only the left log has the stream.</summary>
    OnlyLeft,

    /// <summary>Only the right log has the stream.</summary>
    OnlyRight,

    /// <summary>The left log continues where the right one ends.</summary>
    LeftGoesOn,

    /// <summary>The right log continues where the left one ends.</summary>
    RightGoesOn,

    /// <summary>The logs have different events under the same number.</summary>
    Differs,
}

/// <summary>The difference between two logs in one stream.</summary>
/// <param name="Id">The id of the stream.</param>
/// <param name="Relation">The kind of difference.</param>
/// <param name="Sequence">The number of the first event that differs; null when all are the same.</param>
/// <param name="Left">The event with that number in the left log.</param>
/// <param name="Right">The event with that number in the right log.</param>
/// <param name="Fields">The differences between the two events.</param>
/// <param name="States">The differences between the states after the two events.</param>
/// <param name="Trouble">Why the states could not be compared; null when they were.</param>
public sealed record StreamDifference(
    PersistenceId Id, StreamRelation Relation, long? Sequence = null, RecordedEvent? Left = null,
    RecordedEvent? Right = null, IReadOnlyList<JsonDifference>? Fields = null,
    IReadOnlyList<JsonDifference>? States = null, string? Trouble = null);

/// <summary>Finds, stream by stream, the first event in which two logs differ.</summary>
public sealed class JournalDiff(RecordedJournal left, RecordedJournal right, EntityReplays replays)
{
    /// <summary>Compares all streams of both logs and returns the differences in order.</summary>
    public IReadOnlyList<StreamDifference> Run(Action<ReplayProgress>? progress, CancellationToken cancellationToken)
    {
        var differences = new List<StreamDifference>();
        var done = 0L;
        var streams = left.Streams.Concat(right.Streams).Distinct().ToList();
        foreach (var id in streams.OrderBy(id => id.ToString(), StringComparer.Ordinal))
        {
            cancellationToken.ThrowIfCancellationRequested();
            differences.Add(Compare(id));
            done++;
            progress?.Invoke(new ReplayProgress(done, streams.Count, 0));
        }

        return differences;
    }

    private StreamDifference Compare(PersistenceId id)
    {
        left.RequireWhole(id);
        right.RequireWhole(id);
        using var lefts = left.Read(id).GetEnumerator();
        using var rights = right.Read(id).GetEnumerator();
        var common = new List<RecordedEvent>();
        while (true)
        {
            var (hasLeft, hasRight) = (lefts.MoveNext(), rights.MoveNext());
            if (!hasLeft && !hasRight)
            {
                return new StreamDifference(id, StreamRelation.Equal);
            }

            if (hasLeft && hasRight && Same(lefts.Current, rights.Current))
            {
                common.Add(lefts.Current);
                continue;
            }

            return Describe(id, common, hasLeft ? lefts.Current : null, hasRight ? rights.Current : null);
        }
    }

    private StreamDifference Describe(
        PersistenceId id, List<RecordedEvent> common, RecordedEvent? a, RecordedEvent? b)
    {
        var relation = (a, b) switch
        {
            (null, _) => common.Count == 0 ? StreamRelation.OnlyRight : StreamRelation.RightGoesOn,
            (_, null) => common.Count == 0 ? StreamRelation.OnlyLeft : StreamRelation.LeftGoesOn,
            _ => StreamRelation.Differs,
        };
        var difference = new StreamDifference(id, relation, (a ?? b)!.Event.Sequence, a, b);
        if (relation != StreamRelation.Differs)
        {
            return difference;
        }

        var entity = replays.Find(id.Type);
        difference = difference with { Fields = JsonDifference.Between(Fields(entity, a!), Fields(entity, b!)) };
        var (leftState, leftTrouble) = StateAfter(common, a!);
        var (rightState, rightTrouble) = StateAfter(common, b!);
        return leftState is null || rightState is null
            ? difference with { Trouble = leftTrouble ?? rightTrouble }
            : difference with { States = JsonDifference.Between(leftState, rightState) };
    }

    private (JsonObject? State, string? Trouble) StateAfter(List<RecordedEvent> common, RecordedEvent last)
    {
        if (replays.Find(last.Id.Type) is not { } entity)
        {
            return (null, $"entities of type '{last.Id.Type}' are unknown");
        }

        var fold = entity.Begin();
        foreach (var recorded in common.Append(last))
        {
            if (recorded.Broken is { } broken)
            {
                return (null, $"event {recorded.Event.Sequence} cannot be applied: {broken.What}");
            }

            if (fold.Apply(recorded.Event) is (_, var what))
            {
                return (null, $"event {recorded.Event.Sequence} cannot be applied: {what}");
            }
        }

        return (fold.State(), null);
    }

    private static bool Same(RecordedEvent a, RecordedEvent b) => a.Event.Sequence == b.Event.Sequence
        && a.Event.Name == b.Event.Name && a.Record.AsSpan().SequenceEqual(b.Record);

    private static JsonObject Fields(EntityReplay? entity, RecordedEvent recorded)
    {
        var stored = recorded.Event;
        return new JsonObject
        {
            ["sequence"] = stored.Sequence,
            ["name"] = stored.Name,
            ["time"] = stored.Time,
            ["actor"] = stored.Actor,
            ["command"] = stored.CommandId.ToString(),
            ["data"] = recorded.IsReadable
                ? Data(stored.Payload, () => entity?.EventData(stored)) : Hexadecimal(recorded.Record),
            ["recordedCommand"] = stored.Command is { } command ? Fields(entity, command) : null,
            ["seal"] = stored.Hash.ToString(),
        };
    }

    private static JsonObject Fields(EntityReplay? entity, RecordedCommand command) => new()
    {
        ["name"] = command.Name,
        ["data"] = Data(command.Payload, () => entity?.CommandData(command)),
        ["digest"] = command.Digest,
        ["steadyLife"] = command.Steady?.Life,
        ["steady"] = command.Steady?.At,
        ["nextDue"] = command.Wake.NextDue,
        ["owesEffects"] = command.Wake.OwesEffects,
    };

    private static JsonNode Data(byte[] payload, Func<JsonNode?> read)
    {
        try
        {
            return read() ?? Hexadecimal(payload);
        }
        catch (UnreadableEventException)
        {
            // The event is shown as stored; that it cannot be read is reported where the states are compared.
            return Hexadecimal(payload);
        }
    }

    private static JsonValue Hexadecimal(byte[] bytes) => JsonValue.Create(Convert.ToHexStringLower(bytes));
}
