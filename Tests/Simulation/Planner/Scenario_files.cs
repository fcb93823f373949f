using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using ReplicationEngine.Simulation.Planner.Scenarios;
using Xunit;

namespace ReplicationEngine.Tests.Simulation.Planner;

public sealed class Scenario_files
{
    [Theory]
    [InlineData("\"10 MiB/s\"", "\"10\"", "plain.json:5:66: links[0].bandwidth: This is '10'; write a rate with its")]
    [InlineData("\"10 MiB/s\"", "\"10 Mb/s\"", "plain.json:5:66: links[0].bandwidth: This is '10 Mb/s'")]
    [InlineData("\"10 MiB/s\"", "10", "plain.json:5:66: links[0].bandwidth: This is 10; write a rate")]
    [InlineData("\"retention\"", "\"retentoin\"",
        "plain.json:6:31: policies[0].retentoin: 'retentoin' is not known here; did you mean 'retention'?")]
    [InlineData("\"title\": \"plain\", ", "", "plain.json:1:1: 'title' is missing; add it")]
    [InlineData("\"b\" }]", "\"b\" }, { \"name\": \"b\" }]",
        "plain.json:3:57: sites[2].name: There are two of the name 'b'")]
    [InlineData("\"site\": \"a\"", "\"site\": \"c\"",
        "plain.json:9:29: vms[0].site: There is no site 'c'; use one of a, b.")]
    [InlineData("\"site\": \"a\"", "\"site\": \"b\"",
        "plain.json:9:29: vms[0].site: The machine would be protected at its")]
    [InlineData("\"24 h\"", "\"16 d\"", "plain.json:8:5: vms[0].policy: Retention is 384 h; SCN-1 allows 0 to 360 h.")]
    [InlineData("\"constant\"", "\"daily\", \"idleRate\": 3",
        "plain.json:10:47: vms[0].churn.idleRate: This is 3; write a rate with its unit")]
    [InlineData("\"rate\": \"1 MiB/s\"", "\"idleRate\": \"1 MiB/s\"",
        "plain.json:10:26: vms[0].churn.kind: A churn of kind 'constant' needs 'rate'; add it.")]
    [InlineData("\"4 GiB\"", "\"4 GiB\",,", "plain.json:10:81: This is not JSON")]
    [InlineData("\"4 GiB\"", "\"4 GiB\", \"name\": \"x\"", "plain.json:10:82: vms[0].name: 'name' occurs twice")]
    [InlineData("\"duration\": \"1 d\"", "\"duration\": \"1 d\", \"seed\": -1",
        "plain.json:2:48: seed: This is -1; write a whole number from 0")]
    [InlineData("\"duration\": \"1 d\"", "\"duration\": \"1 d\", \"start\": \"today\"",
        "plain.json:2:49: start: This is 'today'; write an instant in UTC")]
    [InlineData("\"10 MiB/s\"", "\"99999999999999999999 GiB/s\"",
        "plain.json:5:66: links[0].bandwidth: This is '99999999999999999999 GiB/s'; write a rate of at most "
            + "1000000 GB/s")]
    [InlineData("\"10 ms\"", "\"99999999999 d\"",
        "plain.json:5:89: links[0].latency: This is '99999999999 d'; write a duration of at most 36500 d")]
    [InlineData("\"duration\": \"1 d\"", "\"duration\": \"1 d\", \"seed\": 1e30",
        "plain.json:2:48: seed: This is 1e30; write a whole number from 0")]
    [InlineData("\"plain\"", "\"\\ud83d\"", "plain.json:2:12: title: This text has half of a character")]
    [InlineData("\"plain\"", "&a *a", "plain.json:2:12: This is not JSON: '&' is an invalid start of a value.")]
    public void What_is_wrong_is_said_with_its_line_its_path_and_the_remedy(string old, string changed, string expected)
    {
        var text = Worlds.Plain.Replace(old, changed, StringComparison.Ordinal);
        Assert.NotEqual(Worlds.Plain, text);
        var e = Assert.Throws<ScenarioException>(() =>
            ScenarioReader.Read(NodeReader.Read(text, "plain.json"), null));
        Assert.Contains(e.Problems, problem => problem.ToString().StartsWith(expected, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(" \n", "f:1:1: The file is empty; begin with one that")]
    [InlineData("{ \"title\": \"x\"", "The file ends before its last '{' or '[' is closed")]
    [InlineData("[1, 2]", "f:1:1: This is a list; write an object")]
    [InlineData("\0\u0001ELF", "f:1:1: This is not JSON; begin with '{', as what")]
    [InlineData("name: x\n", "f:1:2: This is not JSON; begin with '{', as what")]
    [InlineData("{ \"title\": \"x\" } { }", "f:1:18: This is not JSON: '{' is invalid after a single JSON value")]
    public void A_file_that_is_no_scenario_at_all_is_told_why(string text, string expected)
    {
        var e = Assert.Throws<ScenarioException>(() => ScenarioReader.Read(NodeReader.Read(text, "f"), null));
        Assert.Contains(expected, e.Problems[0].ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void Everything_that_is_wrong_is_said_at_once_in_the_order_of_the_file()
    {
        var text = Worlds.Plain.Replace("\"10 ms\"", "\"10\"", StringComparison.Ordinal)
            .Replace("\"8 GiB\"", "8", StringComparison.Ordinal)
            .Replace("\"100 GiB\"", "null", StringComparison.Ordinal);
        var e = Assert.Throws<ScenarioException>(() => ScenarioReader.Read(NodeReader.Read(text, "f"), null));
        Assert.Equal(
            ["links[0].latency", "policies[0].cacheLimit", "vms[0].disks[0].size"], e.Problems.Select(p => p.Path));
    }

    [Theory]
    [InlineData("outages=[{\"name\":\"o\",\"kind\":\"link\",\"target\":\"lan\",\"at\":\"1 h\",\"for\":\"1 h\"}]",
        "'lan' is none of wan")]
    [InlineData("outages=[{\"name\":\"o\",\"kind\":\"service\",\"at\":\"1 h\"}]",
        "Say when: 'at' and 'for'")]
    [InlineData("outages=[{\"name\":\"o\",\"kind\":\"service\",\"meanTimeBetween\":\"1 h\"}]",
        "Say when: 'at' and 'for'")]
    [InlineData("outages=[{\"name\":\"o\",\"kind\":\"service\",\"at\":\"1 h\",\"for\":\"1 h\",\"times\":2}]",
        "needs 'every'")]
    [InlineData("outages=[{\"name\":\"o\",\"kind\":\"service\",\"at\":\"1 h\",\"for\":\"1 h\",\"loss\":\"1 %\"}]",
        "Only a link")]
    [InlineData("failovers=[{\"name\":\"f\",\"vms\":[\"*\"]}]",
        "Say when: either 'at', or 'on'")]
    [InlineData("failovers=[{\"name\":\"f\",\"vms\":[\"*\"],\"on\":\"x\"}]",
        "There is no outage 'x'")]
    [InlineData("failovers=[{\"name\":\"f\",\"vms\":[\"x*\"],\"at\":\"1 h\"}]",
        "'x*' means no machine")]
    [InlineData("outages=[{\"name\":\"o\",\"kind\":\"service\",\"at\":\"9 d\",\"for\":\"1 h\"}]",
        "It would come after the run's end at 1 d")]
    [InlineData("failovers=[{\"name\":\"f\",\"vms\":[\"*\"],\"at\":\"1 d\"}]",
        "It would come after the run's end at 1 d")]
    [InlineData("vms.vm.disks=[{\"size\":\"4 GiB\",\"used\":\"5 GiB\"}]", "More is used than the disk has")]
    [InlineData("links.wan.loss=100 %", "It must be less than 100 %")]
    [InlineData("links.lan.loss=1 %", "'lan' is none of the scenario's links")]
    [InlineData("links.wan.speed=1 Mbit/s", "A link has no 'speed'; it has name, between, bandwidth")]
    [InlineData("vms.vm.churn.bursts.0.rate=1 B/s", "is none of the scenario's bursts")]
    [InlineData("links", "Write path=value")]
    public void What_does_not_fit_together_is_said(string change, string expected)
    {
        var e = Assert.Throws<ScenarioException>(() => Worlds.With(change));
        Assert.Contains(expected, e.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_file_that_is_nested_without_end_is_told_so()
    {
        var e = Assert.Throws<ScenarioException>(() => NodeReader.Read(new string('[', 100_000), "f"));
        Assert.Equal(
            "f:1:33: This is nested more than 32 levels deep, which no scenario is; take levels away.", e.Message);
    }

    [Fact]
    public void Tabs_are_as_good_as_blanks() => Assert.Equal(
        "plain",
        ScenarioReader.Read(
            NodeReader.Read(Worlds.Plain.Replace("  ", "\t", StringComparison.Ordinal), "f"), null).Title);

    [Fact]
    public void Comments_and_trailing_commas_are_allowed()
    {
        var text = "// first\n" + Worlds.Plain.Replace("\"1 d\",", "\"1 d\", /* a day */", StringComparison.Ordinal)
            .Replace("\"4 GiB\"", "\"4 GiB\",", StringComparison.Ordinal);
        Assert.Equal("plain", ScenarioReader.Read(NodeReader.Read(text, "f"), null).Title);
    }

    [Theory]
    [InlineData("1 h 30 min", 5400)]
    [InlineData("250 ms", 0.25)]
    [InlineData("0.5 d", 43200)]
    public void Durations_are_read_with_their_units(string text, double seconds)
    {
        Assert.True(Quantity.Duration.TryParse(text, out var value));
        Assert.Equal(seconds, value, 9);
    }

    [Theory]
    [InlineData("8 Mbit/s", 1_000_000)]
    [InlineData("1 MiB/s", 1_048_576)]
    [InlineData("1MB/s", 1_000_000)]
    public void Rates_are_read_with_their_units(string text, double bytesPerSecond)
    {
        Assert.True(Quantity.Rate.TryParse(text, out var value));
        Assert.Equal(bytesPerSecond, value, 9);
    }

    [Fact]
    public void A_trace_says_which_of_its_lines_is_wrong()
    {
        string[] lines = ["# churn", "seconds,bytes per second", "0,100", "60,200", "30,1"];
        var e = Assert.Throws<ScenarioException>(() => ChurnTrace.Parse(lines, "t.csv"));
        Assert.StartsWith("t.csv:5:1: 30 s is not after the line before it", e.Message, StringComparison.Ordinal);
        Assert.Equal([(TimeSpan.Zero, 100), (TimeSpan.FromMinutes(1), 200)], ChurnTrace.Parse(lines[..4], "t.csv"));
    }

    [Fact]
    public void The_published_schema_is_the_one_that_the_parser_is_made_of()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(directory!.FullName, "ReplicationEngine.sln")))
        {
            directory = directory.Parent;
        }

        var published = File.ReadAllText(Path.Combine(
            directory.FullName, "Simulation", "Planner", "Scenarios", "Schema", "outage-scenario.schema.json"));
        Assert.Equal(SchemaWriter.Write(), published);
    }

    [Fact]
    public void Schema_and_parser_take_and_refuse_the_same_values()
    {
        var schema = JsonNode.Parse(SchemaWriter.Write())!;
        string[] candidates =
        [
            "\"\"", "\"x\"", "\"a b\"", "1", "-1", "0", "true", "null", "[]", "\"1 h\"", "\"1 h 5 min\"", "\"never\"",
            "\"5 %\"", "\"1 GiB\"", "\"1 Mbit/s\"", "\"1.5 MiB/s\"", "\"12:30\"", "\"25:00\"", "\"constant\"",
            "\"SCN-1\"", "\"2026-01-05T00:00:00Z\"", "\"unplanned\"", "\"latest\"", "\"in-window\"", "\"link\"",
        ];
        foreach (var shape in ScenarioShapes.Parts.Values)
        {
            var properties = schema["$defs"]![shape.Name]!["properties"]!.AsObject();
            foreach (var field in shape.Fields.Where(f => f.Kind is not (ValueKind.ListOf or ValueKind.Part)))
            {
                foreach (var text in candidates)
                {
                    var node = NodeReader.Read($"{{\"{field.Name}\":{text}}}", "f");
                    var refused = ShapeCheck.Problems(node, shape).Any(problem => problem.Path == field.Name);
                    Assert.True(
                        refused != Allows(properties[field.Name]!, JsonNode.Parse(text)),
                        $"{shape.Name}.{field.Name} = {text}: schema and parser differ");
                }
            }
        }
    }

    [Fact]
    public void Every_default_is_a_value_that_the_field_takes()
    {
        foreach (var shape in ScenarioShapes.Parts.Values)
        {
            foreach (var field in shape.Fields.Where(f => f.Default is { Length: > 0 }))
            {
                var bare = field.Kind is ValueKind.Whole or ValueKind.Flag;
                var text = bare ? field.Default : $"\"{field.Default}\"";
                var node = NodeReader.Read($"{{\"{field.Name}\":{text}}}", "f");
                Assert.DoesNotContain(ShapeCheck.Problems(node, shape), problem => problem.Path == field.Name);
            }
        }
    }

    private static bool Allows(JsonNode schema, JsonNode? value)
    {
        if (schema["enum"] is JsonArray words)
        {
            return words.Any(word => JsonNode.DeepEquals(word, value));
        }

        var text = value is JsonValue leaf && leaf.TryGetValue<string>(out var found) ? found : null;
        return schema["type"]!.GetValue<string>() switch
        {
            "boolean" => value is JsonValue flag && flag.TryGetValue<bool>(out _),
            "integer" => value is JsonValue number && number.TryGetValue<long>(out var whole)
                && whole >= schema["minimum"]!.GetValue<long>() && whole <= schema["maximum"]!.GetValue<long>(),
            _ => text is not null && (schema["pattern"] is not { } pattern
                || Regex.IsMatch(text, pattern.GetValue<string>(), RegexOptions.None, TimeSpan.FromSeconds(1)))
                && text.Length >= (schema["minLength"]?.GetValue<int>() ?? 0),
        };
    }
}
