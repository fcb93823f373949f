using System.Text.RegularExpressions;
using Xunit;

namespace ReplicationEngine.Tests.Architecture;

/// <summary>What the README shows is what the repository holds.</summary>
public sealed class Readme_examples
{
    [Fact]
    public void The_embedding_example_is_the_marked_part_of_the_sample()
    {
        const string begin = "// README: begin\n";
        const string end = "// README: end\n";
        var sample = Repository.Read("samples/Embedding/Program.cs");
        var from = sample.IndexOf(begin, StringComparison.Ordinal) + begin.Length;
        var quoted = sample[from..sample.IndexOf(end, StringComparison.Ordinal)];
        var blocks = Regex.Matches(Repository.Read("README.md"), "```csharp\n(.*?)```", RegexOptions.Singleline);
        Assert.Equal(quoted, Assert.Single(blocks).Groups[1].Value);
    }

    [Fact]
    public void Every_place_that_the_architecture_document_names_is_there()
    {
        var document = Repository.Read("docs/ARCHITECTURE.md");
        var from = document.IndexOf("## Where to look", StringComparison.Ordinal);
        var rows = document[from..document.IndexOf("\n## ", from + 1, StringComparison.Ordinal)]
            .Split('\n').Where(line => line.StartsWith("| ", StringComparison.Ordinal)).Skip(1).ToList();
        Assert.NotEmpty(rows);
        foreach (var row in rows)
        {
            var named = Regex.Matches(row, "`([^`]+)`").Select(match => match.Groups[1].Value).ToList();
            var text = "";
            foreach (var name in named.Where(name => name.Contains('/', StringComparison.Ordinal)))
            {
                var path = Path.Combine(Repository.Root, name);
                Assert.True(File.Exists(path) || Directory.Exists(path), $"{name} does not exist: {row}");
                text += File.Exists(path) ? File.ReadAllText(path) : "";
            }

            foreach (var name in named.Where(name => Regex.IsMatch(name, "^[A-Z][A-Za-z]+$")))
            {
                Assert.True(
                    text.Length == 0 || text.Contains(name, StringComparison.Ordinal)
                        || row.Contains("Phases", StringComparison.Ordinal), $"{name} is not there: {row}");
            }
        }
    }

    [Theory]
    [InlineData("bench")]
    [InlineData("test")]
    [InlineData("demo")]
    public void What_a_script_publishes_is_a_program(string script)
    {
        foreach (Match match in Regex.Matches(Repository.Read(script), "dotnet publish ([A-Za-z/]+)"))
        {
            var folder = match.Groups[1].Value;
            var project = Repository.Files.Single(
                file => Path.GetDirectoryName(file) == folder && file.EndsWith(".csproj", StringComparison.Ordinal));
            Assert.Contains("<OutputType>Exe</OutputType>", Repository.Read(project), StringComparison.Ordinal);
        }
    }
}
