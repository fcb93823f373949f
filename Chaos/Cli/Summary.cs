using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Plans;
using ReplicationEngine.Chaos.Runs;
using ReplicationEngine.Wording;
using Spectre.Console;

namespace ReplicationEngine.Chaos.Cli;

/// <summary>The result of a run, as tables or as one line of JSON.</summary>
internal sealed class Summary(ChaosOptions options, Outcome outcome)
{
    private const int Unbounded = 400;

    private static readonly JsonSerializerOptions Plain = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>Returns the result as one line of JSON.</summary>
    public string Json()
    {
        var violation = outcome.Violation is not { } found ? null : new JsonObject
        {
            ["invariant"] = found.Invariant, ["message"] = found.Message, ["round"] = outcome.Rounds,
        };
        return new JsonObject
        {
            ["held"] = outcome.Violation is null, ["seed"] = options.Seed, ["rounds"] = outcome.Rounds,
            ["seconds"] = Math.Round(outcome.Took.TotalSeconds, 1), ["vms"] = options.Vms, ["disks"] = options.Disks,
            ["faults"] = Counts(options.Faults.Select(f =>
                (FaultNames.Of(f), outcome.Ledger.Faults.GetValueOrDefault(f)))),
            ["operations"] = Counts(Sorted(outcome.Ledger.Operations)),
            ["checks"] = Counts(Sorted(outcome.Ledger.Checks)),
            ["writesAcknowledged"] = outcome.Written, ["pointsCompared"] = outcome.Ledger.Points,
            ["violation"] = violation, ["directory"] = Kept ? options.Directory : null,
            ["repeat"] = options.Repeat(outcome.Rounds),
        }.ToJsonString(Plain);
    }

    /// <summary>Writes the result as tables.</summary>
    public void Write(TextWriter output, int? columns)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(output),
            Ansi = columns is null ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = columns is null ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = columns ?? Unbounded;
        Table(console, ["Fault", "Done"], options.Faults.Select(f =>
            new[] { FaultNames.Of(f), Readable.Number(outcome.Ledger.Faults.GetValueOrDefault(f)) }));
        Table(console, ["Operation", "Done"], Sorted(outcome.Ledger.Operations).Select(o =>
            new[] { o.Name, Readable.Number(o.Count) }));
        Table(console, ["Check", "Done", "What it verifies"], Sorted(outcome.Ledger.Checks).Select(c =>
            new[] { c.Name, Readable.Number(c.Count), Ledger.Meanings[c.Name] }));
        foreach (var line in Lines())
        {
            output.WriteLine(line);
        }
    }

    private bool Kept => outcome.Violation is not null || options.Keeps;

    private static JsonObject Counts(IEnumerable<(string Name, long Count)> counts) =>
        new(counts.Select(c => KeyValuePair.Create(c.Name, (JsonNode?)JsonValue.Create(c.Count))));

    // Sorts by number, so that I2 comes before I11. Names without a number come last.
    private static IEnumerable<(string Name, long Count)> Sorted(IReadOnlyDictionary<string, long> counts) => counts
        .OrderBy(c => int.TryParse(c.Key[1..], out var number) ? number : int.MaxValue)
        .ThenBy(c => c.Key, StringComparer.Ordinal).Select(c => (c.Key, c.Value));

    private static void Table(IAnsiConsole console, string[] columns, IEnumerable<string[]> rows)
    {
        var table = new Table { Border = TableBorder.None };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold)))
            {
                Alignment = column is "Done" ? Justify.Right : Justify.Left,
                Padding = new Padding(0, 0, 2, 0),
            });
        }

        foreach (var row in rows)
        {
            table.AddRow(row.Select(cell => new Text(cell)));
        }

        if (table.Rows.Count > 0)
        {
            console.Write(table);
            console.WriteLine();
        }
    }

    private IEnumerable<string> Lines()
    {
        yield return $"{Readable.Number(outcome.Written)} writes acknowledged, "
            + $"{Readable.Number(outcome.Ledger.Points)} points compared, "
            + $"{Readable.Number(outcome.Ledger.Checks.Values.Sum())} checks, {outcome.Rounds} rounds, "
            + $"{Readable.WholeSeconds(outcome.Took)}, seed {options.Seed}.";
        if (outcome.Violation is { } violation)
        {
            yield return $"FAILED in round {outcome.Rounds}: {violation.Invariant}: {violation.Message}";
            yield return $"Repeat: {options.Repeat(outcome.Rounds)}";
        }
        else
        {
            yield return "All checks passed.";
        }

        if (Kept)
        {
            yield return $"Kept: {options.Directory} (timeline.log, processes.log, source/, target/)";
        }
    }
}
