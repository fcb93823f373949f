using System.Text.RegularExpressions;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>docs/conformance.md names, for every requirement, the tests that carry its ID.</summary>
public sealed class Conformance_table
{
    private const string Document = "docs/conformance.md";

    private static readonly Regex Row =
        new(@"^\| (?<id>[A-Z]+-?\d+) \| (?<text>.*?) \|\s*(?<tests>[^|]*?)\s*\|\s*(?<state>[^|]*?)\s*\|$");

    [Fact]
    public void Every_row_names_exactly_the_test_classes_that_carry_its_id()
    {
        var proofs = Proofs();
        var lines = Repository.Read(Document).Split('\n');
        var expected = lines.Select(line => Row.Match(line) is { Success: true } row ? Written(row, proofs)
            : line).ToList();
        if (Environment.GetEnvironmentVariable("UPDATE_CONFORMANCE") is "1")
        {
            File.WriteAllText(Path.Combine(Repository.Root, Document), string.Join('\n', expected));
            return;
        }

        Assert.Equal(expected, lines);
    }

    [Fact]
    public void Every_trait_names_a_requirement_that_stands_in_the_table()
    {
        var known = Repository.Read(Document).Split('\n').Select(l => Row.Match(l)).Where(m => m.Success)
            .Select(m => m.Groups["id"].Value).ToHashSet();
        Assert.All(Proofs().Keys, id => Assert.Contains(id, known));
    }

    private static string Written(Match row, Dictionary<string, SortedSet<string>> proofs)
    {
        var id = row.Groups["id"].Value;
        var tests = proofs.TryGetValue(id, out var classes) ? string.Join(", ", classes) : "";
        return $"| {id} | {row.Groups["text"].Value} | {tests} | {(tests.Length > 0 ? "proved" : "open")} |";
    }

    private static Dictionary<string, SortedSet<string>> Proofs()
    {
        var proofs = new Dictionary<string, SortedSet<string>>();
        foreach (var file in Repository.Files.Where(f => f.StartsWith("Tests/") && f.EndsWith(".cs")))
        {
            var type = "";
            foreach (var line in Repository.Read(file).Split('\n'))
            {
                type = Regex.Match(line, @"^\s*(public|internal).* class (?<name>\w+)") is { Success: true } declared
                    ? declared.Groups["name"].Value : type;
                foreach (Match trait in Regex.Matches(line, @"Trait\(""Req"", ""(?<id>[A-Z]+-?\d+)""\)"))
                {
                    var id = trait.Groups["id"].Value;
                    var onClass = type.Length == 0 || line.TrimStart() == line;
                    proofs.TryAdd(id, new SortedSet<string>(StringComparer.Ordinal));
                    proofs[id].Add(onClass ? Path.GetFileNameWithoutExtension(file) : type);
                }
            }
        }

        return proofs;
    }
}
