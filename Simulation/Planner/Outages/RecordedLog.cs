using System.Globalization;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Outages;

/// <summary>
/// Converts a recorded event log, the lines of <c>drctl log NAME --json</c>, into a scenario. Values that a log does
/// not hold are assumed, and <see cref="Notes"/> names them.
/// </summary>
internal sealed class RecordedLog
{
    /// <summary>The size of a write in bytes, unless another one is given.</summary>
    public const double UsualWriteSize = 16 * 1024;

    private const string Prefix = "protected-vm.";

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    private static readonly JsonSerializerOptions Indented = new(Plain) { WriteIndented = true };

    private readonly List<string> _notes = [];
    private readonly List<Entry> _entries = [];
    private readonly double _writeSize;

    private RecordedLog(double writeSize) => _writeSize = writeSize;

    /// <summary>The scenario as JSON.</summary>
    public string Json { get; private set; } = "";

    /// <summary>The notes for the reader of the report: the origin of the scenario, and the assumptions.</summary>
    public IReadOnlyList<string> Notes => _notes;

    private DateTimeOffset Start => _entries[0].Time;

    /// <summary>Reads a log from a file and converts it.</summary>
    /// <param name="file">The path of the file.</param>
    /// <param name="writeSize">The size of a write in bytes; a log holds the number of the writes and not their
    /// sizes.</param>
    /// <exception cref="ScenarioException">The file is missing or is not a log, or the log does not begin with the
    /// machine's protection.</exception>
    public static RecordedLog Read(string file, double writeSize = UsualWriteSize) => File.Exists(file)
        ? Parse(File.ReadLines(file), file, writeSize)
        : throw new ScenarioException(new Place(file, 0, 0), "", "There is no such file; write one with "
            + "`drctl log NAME --json > FILE`.");

    /// <summary>Reads the lines of a log and converts them.</summary>
    public static RecordedLog Parse(IEnumerable<string> lines, string file, double writeSize)
    {
        var log = new RecordedLog(writeSize);
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            if (line.Length > 0)
            {
                log._entries.Add(EntryOf(line, new Place(file, number, 1)));
            }
        }

        log.Json = log.Build(file).ToJsonString(Indented);
        return log;
    }

    /// <summary>Returns an event as one line of a log.</summary>
    public static string Line(StoredEvent stored, string data) => new JsonObject
    {
        ["seq"] = stored.Sequence,
        ["time"] = stored.Time.UtcDateTime,
        ["type"] = stored.Name,
        ["actor"] = stored.Actor,
        ["data"] = JsonNode.Parse(data),
    }.ToJsonString(Plain);

    private static Entry EntryOf(string line, Place place)
    {
        try
        {
            var node = JsonNode.Parse(line) as JsonObject;
            return node?["type"]?.GetValue<string>() is { } type && node["data"] is JsonObject data
                && node["time"]?.GetValue<string>() is { } time
                && DateTimeOffset.TryParse(
                    time, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var at)
                ? new Entry(at, type.Replace(Prefix, "").Replace(".v1", ""), data)
                : throw new ScenarioException(place, "", "This line is no event; each has seq, time, type, actor and "
                    + "data, as `drctl log NAME --json` writes them.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new ScenarioException(place, "", "This line is not a JSON object; write the log with "
                + "`drctl log NAME --json`, one event a line.");
        }
    }

    private JsonObject Build(string file)
    {
        if (_entries.FirstOrDefault()?.Type != "enable-started")
        {
            throw new ScenarioException(new Place(file, 1, 1), "", "The log does not begin with enable-started; give "
                + "the whole log of one machine.");
        }

        var enabled = _entries[0].Data;
        var policy = (JsonObject)(_entries.LastOrDefault(e => e.Type == "policy-changed")?.Data ?? enabled)["policy"]!;
        var checkedDisks = _entries.LastOrDefault(e => e.Type == "prerequisites-checked")?.Data ?? enabled;
        var name = enabled["vm"]!.GetValue<string>();
        var seconds = Math.Max(60, Math.Ceiling((_entries[^1].Time - Start).TotalSeconds));
        var start = new DateTimeOffset(Start.Ticks - (Start.Ticks % TimeSpan.TicksPerSecond), TimeSpan.Zero);
        _notes.Add($"Made of the {_entries.Count} events of '{name}' from {start:yyyy-MM-dd HH:mm} UTC over "
            + $"{Reports.Words.Duration(seconds)}.");
        var churn = Churn();
        var scenario = new JsonObject
        {
            ["title"] = $"Replay of the log of {name}",
            ["description"] = "The machine's writes, outages and failovers according to its log.",
            ["start"] = start.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture),
            ["duration"] = Seconds(seconds),
            ["sites"] = new JsonArray(Named("source"), Named("target")),
            ["service"] = new JsonObject { ["site"] = "target" },
            ["links"] = new JsonArray(new JsonObject
            {
                ["name"] = "link", ["between"] = new JsonArray("source", "target"), ["bandwidth"] = "100 Mbit/s",
            }),
            ["policies"] = new JsonArray(PolicyOf(policy)),
            ["vms"] = new JsonArray(new JsonObject
            {
                ["name"] = name, ["site"] = "source", ["scenario"] = enabled["scenarioId"]!.GetValue<string>(),
                ["disks"] = DisksOf((JsonArray)checkedDisks["disks"]!), ["churn"] = churn,
                ["writeSize"] = Bytes(_writeSize),
            }),
            ["outages"] = Outages(),
            ["failovers"] = Failovers(),
            ["assumptions"] = new JsonObject { ["initialCopyDone"] = true },
        };
        AddNotes();
        return scenario;
    }

    private void AddNotes()
    {
        var resyncs = _entries.Where(e => e.Type == "resync-completed").ToList();
        _notes.Add($"A log holds no write sizes: {Bytes(_writeSize)} a write is assumed (--write-size); the number of "
            + "writes between two points is recorded, so the shape of the churn is real and its scale is not.");
        _notes.Add("A log holds no link: 100 Mbit/s and 5 ms are assumed for the run as it is (set "
            + "links.link.bandwidth and links.link.latency), and times in which the agent was away "
                + "are replayed as outages of the link.");
        _notes.Add("A log holds no limit of the replication log, no working set and no compression; the scenario "
            + "format's defaults hold (policies.0.cacheLimit, vms.0.workingSet, vms.0.compressTo).");
        if (resyncs.Count > 0)
        {
            var sent = resyncs.Sum(e => Number(e.Data["sentBytes"]));
            _notes.Add($"Recorded were {resyncs.Count} resyncs that sent {Reports.Words.Bytes(sent)}; compare with "
                + "what the run shows.");
        }
    }

    private JsonObject Churn()
    {
        var steps = new JsonArray();
        (TimeSpan At, double Generation, double Lsn)? before = null;
        foreach (var point in _entries.Where(e => e.Type == "recovery-point-sealed").Select(e => e.Data["point"]!))
        {
            var at = Time(point["time"]) - Start;
            var (generation, lsn) = (Number(point["generation"]), Number(point["lsn"]));
            if (before is { } last && at > last.At)
            {
                // A number below the previous one belongs to a log that began again.
                var writes = generation == last.Generation && lsn > last.Lsn ? lsn - last.Lsn - 1 : 0;
                var rate = writes * _writeSize / (at - last.At).TotalSeconds;
                steps.Add((JsonNode)new JsonObject
                {
                    ["at"] = Seconds(Math.Max(0, last.At.TotalSeconds)), ["rate"] = Rate(rate),
                });
            }

            before = (at, generation, lsn);
        }

        if (steps.Count == 0)
        {
            _notes.Add("The log holds fewer than two recovery points, so nothing is known of what the machine wrote: "
                + "the run has no churn. Set vms.0.churn.");
            return new JsonObject { ["kind"] = "constant", ["rate"] = "0 B/s" };
        }

        return new JsonObject { ["kind"] = "trace", ["steps"] = steps };
    }

    private JsonArray Outages()
    {
        var outages = new JsonArray();
        AddOutages(outages, "away", "link", e => IsCause(e, "health-cause-raised", "AGENT_DISCONNECTED"),
            e => IsCause(e, "health-cause-cleared", "AGENT_DISCONNECTED"));
        AddOutages(outages, "stopped", "target-full", e => e.Type == "replication-faulted",
            e => e.Type is "replication-recovered" or "failover-started" or "disable-started");
        return outages;
    }

    private void AddOutages(JsonArray to, string name, string kind, Predicate<Entry> begins, Predicate<Entry> ends)
    {
        DateTimeOffset? since = null;
        foreach (var entry in _entries.Append(new Entry(_entries[^1].Time, "end", [])))
        {
            if (since is null && begins(entry))
            {
                since = entry.Time;
            }
            else if (since is { } from && (ends(entry) || entry.Type == "end"))
            {
                var outage = new JsonObject
                {
                    ["name"] = $"{name}-{to.Count + 1}", ["kind"] = kind,
                    ["at"] = Seconds(Math.Max(0, (from - Start).TotalSeconds - 25)),
                    ["for"] = Seconds(Math.Max(1, (entry.Time - from).TotalSeconds + 20)),
                };
                if (kind == "link")
                {
                    outage["target"] = "link";
                }

                to.Add((JsonNode)outage);
                since = null;
            }
        }
    }

    private JsonArray Failovers()
    {
        var failovers = new JsonArray();
        for (var i = 0; i < _entries.Count; i++)
        {
            var entry = _entries[i];
            if (entry.Type is not ("failover-started" or "test-failover-started"))
            {
                continue;
            }

            var test = entry.Type == "test-failover-started";
            var planned = !test && entry.Data["kind"]!.GetValue<string>().EndsWith("_PLANNED", StringComparison.Ordinal)
                && !entry.Data["kind"]!.GetValue<string>().EndsWith("UNPLANNED", StringComparison.Ordinal);
            var failover = new JsonObject
            {
                ["name"] = $"recorded-{failovers.Count + 1}", ["vms"] = new JsonArray("*"),
                ["kind"] = test ? "test" : planned ? "planned" : "unplanned",
                ["at"] = Seconds((entry.Time - Start).TotalSeconds),
                ["tryShutdown"] = entry.Data["tryShutdown"]?.GetValue<bool>() ?? false,
            };
            ChoosePoint(failover, entry);
            failover["commit"] = Delay(i, "failover-ready", "commit-started");
            failover["reprotect"] = Delay(i, "failover-committed", "reprotect-started");
            failover["failback"] = Delay(i, "reprotect-completed", "failback-started");
            failover["failbackCommit"] = Delay(i, "failback-ready", "commit-started");
            failover["reprotectAgain"] = Delay(i, "failback-committed", "reprotect-started");
            failover["cleanUp"] = Delay(i, "test-failover-ready", "test-failover-clean-up-started");
            failovers.Add((JsonNode)failover);
        }

        return failovers;
    }

    private void ChoosePoint(JsonObject failover, Entry entry)
    {
        var chosen = (JsonObject)entry.Data["point"]!;
        var id = chosen["id"]!.GetValue<string>();
        var held = _entries.Find(e => e.Type == "recovery-point-sealed" && e.Time < entry.Time
            && e.Data["point"]!["id"]!.GetValue<string>() == id);
        if (chosen["sealNow"]?.GetValue<bool>() != true && held is not null)
        {
            var age = (entry.Time - Time(held.Data["point"]!["time"])).TotalSeconds;
            failover["pointOlderThan"] = Seconds(Math.Max(0, age - 1));
        }
    }

    private string Delay(int from, string first, string then)
    {
        var next = _entries.FindIndex(from + 1, e => e.Type is "failover-started" or "test-failover-started");
        var scope = _entries.GetRange(from, (next < 0 ? _entries.Count : next) - from);
        var began = scope.FindIndex(e => e.Type == first);
        var order = began < 0 ? null : scope.Skip(began).FirstOrDefault(e => e.Type == then);
        return order is null ? "never" : Seconds((order.Time - scope[began].Time).TotalSeconds);
    }

    private static JsonObject PolicyOf(JsonObject policy) => new()
    {
        ["name"] = "recorded",
        ["retention"] = Span(policy["retention"]),
        ["appConsistentEvery"] = Span(policy["appConsistentEvery"]),
        ["rpoThreshold"] = Span(policy["rpoThreshold"]),
        ["resync"] = policy["autoResync"]?.GetValue<string>() == "AUTO_RESYNC_IMMEDIATELY"
            ? "immediately" : "in-window",
    };

    private static JsonArray DisksOf(JsonArray disks) =>
    [
        .. disks.Select(disk => (JsonNode)new JsonObject
        {
            ["size"] = Bytes(Math.Max(1, Number(disk!["sizeBytes"]))),
        }),
    ];

    private static bool IsCause(Entry entry, string type, string kind) => entry.Type == type
        && (entry.Data["cause"]?["kind"] ?? entry.Data["kind"])?.GetValue<string>() == $"HEALTH_KIND_{kind}";

    private static JsonObject Named(string name) => new() { ["name"] = name };

    private static DateTimeOffset Time(JsonNode? node) =>
        DateTimeOffset.Parse(node!.GetValue<string>(), CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal);

    // Logs of earlier versions have 64-bit numbers in quotes.
    private static double Number(JsonNode? node) => node is null ? 0
        : double.Parse(node.ToString(), CultureInfo.InvariantCulture);

    private static string Span(JsonNode? node) =>
        Seconds(node is null ? 0 : double.Parse(node.GetValue<string>().TrimEnd('s'), CultureInfo.InvariantCulture));

    private static string Seconds(double seconds) =>
        seconds.ToString("0.###", CultureInfo.InvariantCulture) + " s";

    private static string Bytes(double bytes) => bytes.ToString("0", CultureInfo.InvariantCulture) + " B";

    private static string Rate(double rate) => rate.ToString("0.##", CultureInfo.InvariantCulture) + " B/s";

    private sealed record Entry(DateTimeOffset Time, string Type, JsonObject Data);
}
