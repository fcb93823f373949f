using System.Text.Json.Nodes;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Persistence.Replay;

/// <summary>When a condition holds in the life of an entity.</summary>
/// <param name="Id">The id of the entity.</param>
/// <param name="Events">The number of events examined.</param>
/// <param name="First">The first event after which the condition holds; null when it never does.</param>
/// <param name="Before">The state before that event, in which the condition does not hold.</param>
/// <param name="After">The state after that event.</param>
/// <param name="Changes">The events after which the condition began or ceased to hold, at most
/// <see cref="JournalBisect.MostChanges"/>.</param>
/// <param name="ChangeCount">The total number of such events.</param>
/// <param name="HoldsAtEnd">Whether the condition holds after the last event.</param>
/// <param name="Seen">The first different values of each path, which show why a condition never held.</param>
public sealed record BisectResult(
    PersistenceId Id, long Events, RecordedEvent? First, JsonObject? Before, JsonObject? After,
    IReadOnlyList<RecordedEvent> Changes, long ChangeCount, bool HoldsAtEnd,
    IReadOnlyDictionary<string, IReadOnlyList<string>> Seen)
{
    /// <summary>
    /// Whether the condition, once it held, never ceased to hold; then a binary search would have found the same event.
    /// </summary>
    public bool IsMonotonic => ChangeCount <= 1;
}

/// <summary>
/// Finds the first event after which a condition holds. Every state is examined in order: a binary search is only
/// correct for a condition that never ceases to hold, and that is unknown before all states have been examined.
/// </summary>
public sealed class JournalBisect(RecordedJournal journal, EntityReplays replays)
{
    /// <summary>The maximum number of changes that are listed.</summary>
    public const int MostChanges = 20;

    private const int MostValues = 8;
    private const long ReportEvery = 512;

    /// <summary>Examines every state of an entity.</summary>
    /// <exception cref="ReplayException">The log is damaged; states after the damage are unknown.</exception>
    public BisectResult Run(
        PersistenceId id, StateCondition condition, Action<ReplayProgress>? progress,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(condition);
        var replay = StreamReplay.Begin(journal, id, replays);
        var seen = condition.Paths.Select(path => path.Text).Distinct(StringComparer.Ordinal)
            .ToDictionary(path => path, _ => new List<string>(), StringComparer.Ordinal);
        var changes = new List<RecordedEvent>();
        var (events, changed, held) = (0L, 0L, false);
        RecordedEvent? first = null;
        JsonObject? before = null;
        JsonObject? after = null;
        var previous = replay.Fold.State();
        foreach (var recorded in journal.Read(id))
        {
            cancellationToken.ThrowIfCancellationRequested();
            replay.Step(recorded);
            var state = replay.Fold.State();
            Note(condition, state, seen);
            var holds = condition.Holds(state);
            if (holds != held)
            {
                changed++;
                held = holds;
                (first, before, after) = first is null ? (recorded, previous, state) : (first, before, after);
                if (changes.Count < MostChanges)
                {
                    changes.Add(recorded);
                }
            }

            previous = state;
            if (++events % ReportEvery == 0)
            {
                progress?.Invoke(new ReplayProgress(events, journal.EventCount, 0));
            }
        }

        return new BisectResult(
            id, events, first, before, after, changes, changed, held,
            seen.ToDictionary(pair => pair.Key, IReadOnlyList<string> (pair) => pair.Value, StringComparer.Ordinal));
    }

    private static void Note(StateCondition condition, JsonObject state, Dictionary<string, List<string>> seen)
    {
        foreach (var path in condition.Paths)
        {
            var values = seen[path.Text];
            if (values.Count >= MostValues)
            {
                continue;
            }

            var value = path.In(state);
            var text = value is JsonObject members && members["$type"] is { } type ? type.ToString()
                : value is JsonArray items ? $"a list of {items.Count}"
                : JsonDifference.Text(value);
            if (!values.Contains(text))
            {
                values.Add(text);
            }
        }
    }
}
