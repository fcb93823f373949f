using Xunit;

namespace ReplicationEngine.Tests.Vault.EndToEnd;

/// <summary>What the documents print for people to type or to copy.</summary>
internal static class PrintedText
{
    /// <summary>The commands in a section of a document: each with its words, without the comment behind it.</summary>
    /// <param name="document">The document's path in the repository.</param>
    /// <param name="heading">The section's heading without its mark.</param>
    public static IReadOnlyList<string[]> Commands(string document, string heading) =>
        [.. Lines(document, heading).Select(line => line.Split('#')[0].Trim()).Where(line => line.Length > 0)
            .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries))];

    /// <summary>The lines of the printed blocks in a section; a line that ends with a backslash goes on.</summary>
    public static IReadOnlyList<string> Lines(string document, string heading)
    {
        var (lines, inSection, inBlock, goesOn) = (new List<string>(), false, false, false);
        foreach (var line in File.ReadLines(Path.Combine(Root(), document)))
        {
            if (line.TrimStart().StartsWith("```", StringComparison.Ordinal))
            {
                inBlock = !inBlock;
            }
            else if (!inBlock && line.StartsWith("## ", StringComparison.Ordinal))
            {
                inSection = line[3..] == heading;
            }
            else if (inSection && inBlock)
            {
                var text = line.TrimEnd('\\');
                (lines, goesOn) = (goesOn ? [.. lines[..^1], lines[^1] + text] : [.. lines, text], text != line);
            }
        }

        Assert.True(lines.Count > 0, $"{document} prints nothing under '{heading}'");
        return lines;
    }

    private static string Root()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "ReplicationEngine.sln")))
        {
            folder = Path.GetDirectoryName(folder)
                ?? throw new InvalidOperationException("The tests do not run inside the repository.");
        }

        return folder;
    }
}
