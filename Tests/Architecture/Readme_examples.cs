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
}
