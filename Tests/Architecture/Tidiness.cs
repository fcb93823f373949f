using System.Text.RegularExpressions;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>What docs/STYLE.md asks of every source file.</summary>
public sealed class Tidiness
{
    private const int MaxFileLines = 500;
    private const int MaxLineLength = 120;
    private const RegexOptions Lines = RegexOptions.Multiline;

    private static IEnumerable<string> Sources =>
        Repository.Files.Where(f => f.EndsWith(".cs", StringComparison.Ordinal));

    [Fact]
    public void No_file_is_longer_than_500_lines() => Assert.Empty(
        Sources.Where(f => Repository.Read(f).Count(c => c == '\n') > MaxFileLines));

    [Fact]
    public void No_type_is_longer_than_500_lines_over_all_its_files() => Assert.Empty(
        TypeLengths(Sources.Where(f => !f.StartsWith("Tests/", StringComparison.Ordinal)).Select(Repository.Read))
            .Where(type => type.Value > MaxFileLines).Select(type => $"{type.Key} ({type.Value} lines)"));

    [Fact]
    public void A_type_that_is_cut_into_files_is_counted_whole()
    {
        var half = "namespace A;\n\ninternal sealed partial class Big\n{\n" + new string('\n', 300) + "}\n";
        Assert.True(TypeLengths([half, half])["A.Big"] > 500);
    }

    /// <summary>A tool tip shows a summary alone, where no pronoun refers to anything.</summary>
    [Fact]
    public void No_summary_begins_with_a_pronoun()
    {
        Assert.Single(Pronouns("/// <summary>Its name.</summary>"));
        Assert.Single(Pronouns("    /// <summary>\n    /// As <see cref=\"Sync\"/>.\n    /// </summary>"));
        Assert.Empty(Pronouns("/// <summary>The name of the export; its length is bounded.</summary>"));
        Assert.Empty(Repository.Files.Where(f => f.EndsWith(".cs") && !f.StartsWith("Tests/"))
            .SelectMany(f => Pronouns(Repository.Read(f)).Select(found => $"{f}: {found}")));
    }

    [Fact]
    public void No_line_is_longer_than_120_characters() => Assert.Empty(
        from file in Sources
        from line in Repository.Read(file).Split('\n').Select((text, index) => (text, index))
        where line.text.Length > MaxLineLength && !Regex.IsMatch(line.text, @"https?://")
        select $"{file}:{line.index + 1}");

    [Fact]
    public void No_source_holds_marks_of_unfinished_work_or_regions()
    {
        var marks = new Regex(
            @"\b(TO" + @"DO|FIX" + @"ME|TB" + @"D|HA" + @"CK)\b|#reg" + @"ion|NotImplemented" + @"Exception"
            + @"|<summary>\s*</summary>");
        Assert.Empty(Sources.Where(f => marks.IsMatch(Repository.Read(f))));
    }

    [Fact]
    public void No_method_is_longer_than_70_lines() => Assert.Empty(Sources.SelectMany(LongMethods));

    [Fact]
    public void No_constructor_takes_more_than_six_parameters_outside_data_records()
    {
        var found = from file in Sources.Where(f => !f.StartsWith("Tests/", StringComparison.Ordinal))
                    from Match match in Regex.Matches(Repository.Read(file), @"\bclass \w+(<[^>]*>)?\s*\(([^)]*)\)")
                    where Regex.Replace(match.Groups[2].Value, @"<[^<>]*(<[^<>]*>[^<>]*)*>", "").Split(',').Length > 6
                    select $"{file}: {match.Value.Split('(')[0]}";
        Assert.Empty(found);
    }

    [Fact]
    public void No_file_speaks_of_machine_paths_or_swallows_exceptions()
    {
        var bad = new Regex(@"/wo" + @"rk/(main|shared|wt)|catch(\s*\(\w*Exception\w*( \w+)?\))?\s*\{\s*\}");
        var texts = Repository.Files.Where(f => Regex.IsMatch(f, @"\.(cs|md|sh|py|props|json)$"));
        Assert.Empty(texts.Where(f => bad.IsMatch(Repository.Read(f))));
    }

    [Fact]
    public void No_folder_is_named_for_nothing()
    {
        string[] banned = ["Common", "Utils", "Helpers", "Managers", "Models"];
        Assert.Empty(Repository.Files.Where(f => f.Split('/').SkipLast(1).Any(part => banned.Contains(part))));
    }

    [Fact]
    public void Test_classes_are_named_in_one_style_and_name_their_files() => Assert.Empty(
        from file in Sources.Where(f => f.StartsWith("Tests/", StringComparison.Ordinal))
        let text = Repository.Read(file)
        let tests = TestClasses(text).ToList()
        where tests.Count > 0
        where !Regex.IsMatch(text, $@"^(public|internal) .*class {Path.GetFileNameWithoutExtension(file)}\b", Lines)
            || !tests.TrueForAll(name => Regex.IsMatch(name, @"^[A-Z][a-z0-9]*(_[A-Za-z0-9]+)*$"))
        select $"{file}: {string.Join(", ", tests)}");

    private static IEnumerable<string> TestClasses(string text) =>
        Regex.Split(text, @"^(?=(?:public|internal) [\w ]*\bclass )", Lines)
            .Where(part => Regex.IsMatch(part, @"^    \[[^\]]*\b(Fact|Theory)\b", Lines))
            .Select(part => Regex.Match(part, @"\bclass (\w+)").Groups[1].Value);

    // A type goes from its header to that of the next one at the top of the file, or to the file's end.
    private static Dictionary<string, int> TypeLengths(IEnumerable<string> texts)
    {
        var header = new Regex(
            @"^(?:(?:public|internal|file|sealed|abstract|static|readonly|unsafe|ref|partial) )*"
            + @"(?:class|record struct|record|struct|interface) (\w+)");
        var lengths = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var text in texts)
        {
            var space = Regex.Match(text, @"^namespace ([\w.]+);", RegexOptions.Multiline).Groups[1].Value;
            string? type = null;
            foreach (var line in text.Split('\n'))
            {
                type = header.Match(line) is { Success: true } match ? $"{space}.{match.Groups[1].Value}" : type;
                if (type is not null)
                {
                    lengths[type] = lengths.GetValueOrDefault(type) + 1;
                }
            }
        }

        return lengths;
    }

    private static IEnumerable<string> LongMethods(string file)
    {
        const int maxMethodLines = 70;
        var lines = Repository.Read(file).Split('\n');
        var header = new Regex(
            @"^(    |        )(public|private|internal|protected|static|async|override|sealed)\b[^;=]*\)\s*$");
        for (var i = 0; i < lines.Length - 1; i++)
        {
            if (!header.IsMatch(lines[i]) || lines[i + 1].Trim() != "{")
            {
                continue;
            }

            var close = lines[i + 1].Replace('{', '}');
            var end = Array.FindIndex(lines, i + 2, l => l.TrimEnd() == close.TrimEnd());
            if (end - i > maxMethodLines)
            {
                yield return $"{file}:{i + 1} ({end - i} lines)";
            }
        }
    }

    private static IEnumerable<string> Pronouns(string text) => Regex.Matches(
        text, @"<summary>\s*(///)?\s*(It|Its|They|Their|Them|This|These|Those|That|Such|Both|Of|As|For|So|The same|Not"
            + @"|Whose|Whatever|One of)\b[^\n]*").Select(match => match.Value);
}
