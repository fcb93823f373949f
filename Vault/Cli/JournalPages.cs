using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Persistence.Replay;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The text output of <c>drctl journal</c>: lines that no terminal width breaks.</summary>
internal static class JournalPages
{
    private const int MostLines = 40;

    public static IEnumerable<string> Verified(string path, VerifiedJournal verified)
    {
        yield return $"{path}: {Readable.Count(verified.Events, "event")} in "
            + $"{Readable.Count(verified.Streams.Count, "stream")}, "
            + (verified.IsSound ? "sound" : Readable.Count(verified.Damages.Count, "damage"));
        yield return "";
        var rows = verified.Streams.Select(stream => new[]
        {
            stream.Id.ToString(), $"{stream.Events}", $"{stream.FoldedTo}", stream.SnapshotAt?.ToString() ?? "-",
            stream.First is null ? "sound" : "damaged",
        });
        foreach (var line in Table(["STREAM", "EVENTS", "VERIFIED TO", "SNAPSHOT", "RESULT"], rows))
        {
            yield return line;
        }

        if (verified.IsSound)
        {
            yield break;
        }

        yield return "";
        var damages = verified.Damages.Select(damage => new[]
        {
            damage.Kind.ToString(), damage.Stream?.ToString() ?? "-", damage.Sequence?.ToString() ?? "-",
            damage.Name ?? "-", damage.What,
        });
        foreach (var line in Table(["DAMAGE", "STREAM", "EVENT", "NAME", "WHAT"], damages))
        {
            yield return line;
        }
    }

    public static IEnumerable<string> Archived(string path, ArchivedEvents done) =>
    [
        done.Events == 0 ? "No events were moved: no VM has enough old events that precede a snapshot."
            : $"{Readable.Count(done.Events, "event")} were moved to {Readable.Count(done.Files, "file")} in {path}.",
    ];

    public static IEnumerable<string> Imported(string path, ImportedPart part)
    {
        yield return $"{Readable.Count(part.Events, "event")} of {Readable.Count(part.Streams, "stream")} "
            + $"are in {path}.";
        foreach (var left in part.LeftOut)
        {
            var events = left.From == left.To ? $"event {left.From}" : $"events {left.From} to {left.To}";
            var what = (left.Stream, left.From) switch
            {
                ({ } stream, not null) => $"{events} of {stream}, because of ",
                ({ } stream, null) => $"{stream}: ",
                _ => "",
            };
            yield return $"Omitted: {what}{left.Reason}.";
        }
    }

    public static IEnumerable<string> State(StreamReplay replay)
    {
        var last = replay.Last!.Event;
        yield return $"{replay.Id} after event {last.Sequence} "
            + $"({last.Name}, {Readable.Time(last.Time)}, by {last.Actor})";
        yield return "";
        foreach (var line in Tree(replay.Fold.State(), 0))
        {
            yield return line;
        }
    }

    public static IEnumerable<string> Difference(IReadOnlyList<StreamDifference> streams)
    {
        foreach (var line in Table(["STREAM", "RESULT", "EVENT"], streams.Select(stream => new[]
        {
            stream.Id.ToString(), Relation(stream.Relation), stream.Sequence?.ToString() ?? "-",
        })))
        {
            yield return line;
        }

        foreach (var stream in streams.Where(stream => stream.Relation == StreamRelation.Differs))
        {
            yield return "";
            yield return $"{stream.Id}, event {stream.Sequence}: "
                + $"{stream.Left!.Event.Name} | {stream.Right!.Event.Name}";
            foreach (var line in Differences("the events", stream.Fields!))
            {
                yield return line;
            }

            foreach (var line in stream.States is { } states ? Differences("the states after them", states)
                : [$"  the states after them cannot be compared: {stream.Trouble}"])
            {
                yield return line;
            }
        }
    }

    public static IEnumerable<string> Found(StateCondition condition, BisectResult found)
    {
        if (found.First is not { Event: var first })
        {
            foreach (var (path, values) in found.Seen)
            {
                yield return $"{path} was {string.Join(", ", values)}";
            }

            yield break;
        }

        yield return $"{found.Id}: '{condition.Text}' holds first after event {first.Sequence} "
            + $"({first.Name}, {Readable.Time(first.Time)}, by {first.Actor})";
        yield return found.IsMonotonic
            ? $"It holds from there to the last event, {found.Events}."
            : $"It is not monotonic: it changes {found.ChangeCount} times, after the events "
                + string.Join(", ", found.Changes.Select(change => change.Event.Sequence))
                + (found.ChangeCount > found.Changes.Count ? ", …" : "")
                + (found.HoldsAtEnd ? "; at the end it holds." : "; at the end it does not hold.");
        foreach (var line in Differences("changed by that event", JsonDifference.Between(found.Before, found.After)))
        {
            yield return line;
        }
    }

    private static IEnumerable<string> Differences(string what, IReadOnlyList<JsonDifference> differences)
    {
        yield return differences.Count == 0 ? $"  {what}: no difference" : $"  {what}:";
        foreach (var difference in differences.Take(MostLines))
        {
            yield return $"    {difference.Path}: {JsonDifference.Text(difference.Left)} | "
                + JsonDifference.Text(difference.Right);
        }

        if (differences.Count > MostLines)
        {
            yield return $"    and {differences.Count - MostLines} more; --json has all of them";
        }
    }

    private static IEnumerable<string> Tree(JsonNode? node, int depth)
    {
        var space = new string(' ', depth * 2);
        switch (node)
        {
            case JsonObject members:
                foreach (var (name, value) in members)
                {
                    foreach (var line in Member($"{space}{name}:", value, depth))
                    {
                        yield return line;
                    }
                }

                break;
            case JsonArray items:
                foreach (var (index, item) in items.Index())
                {
                    foreach (var line in Member($"{space}[{index}]", item, depth))
                    {
                        yield return line;
                    }
                }

                break;
            default:
                yield return space + Scalar(node);
                break;
        }
    }

    private static IEnumerable<string> Member(string label, JsonNode? value, int depth) => value switch
    {
        JsonObject { Count: 0 } => [$"{label} {{}}"],
        JsonArray { Count: 0 } => [$"{label} none"],
        JsonObject or JsonArray => [label, .. Tree(value, depth + 1)],
        _ => [$"{label} {Scalar(value)}"],
    };

    private static string Scalar(JsonNode? value) =>
        value is JsonValue text && text.TryGetValue<string>(out var plain) ? plain : JsonDifference.Text(value);

    private static IEnumerable<string> Table(string[] heads, IEnumerable<string[]> rows)
    {
        List<string[]> all = [heads, .. rows];
        var widths = heads.Select((_, column) => all.Max(row => row[column].Length)).ToList();
        return all.Select(row =>
            string.Join("  ", row.Select((cell, column) => cell.PadRight(widths[column]))).TrimEnd());
    }

    private static string Relation(StreamRelation relation) => relation switch
    {
        StreamRelation.Equal => "equal",
        StreamRelation.OnlyLeft => "only in A",
        StreamRelation.OnlyRight => "only in B",
        StreamRelation.LeftGoesOn => "A continues",
        StreamRelation.RightGoesOn => "B continues",
        _ => "differs",
    };
}
