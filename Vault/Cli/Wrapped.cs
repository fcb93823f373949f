using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Text broken between words, so that no line is longer than a width; lines after the first begin under the text. A
/// longer word, such as a path or a URI, stays whole, because half of it would be of no use.
/// </summary>
internal static class Wrapped
{
    /// <summary>Returns the wrapped lines.</summary>
    /// <param name="head">The text before the first line.</param>
    /// <param name="text">The text; control characters become dots.</param>
    /// <param name="width">The width of a line in columns.</param>
    /// <param name="indent">The blanks before the further lines; null means as many as the head has columns.</param>
    public static IEnumerable<string> Lines(string head, string text, int width, int? indent = null)
    {
        var margin = new string(' ', indent ?? head.Length);
        var line = head;
        var empty = true;
        foreach (var word in Readable.Plain(text).Split(' ', StringSplitOptions.RemoveEmptyEntries))
        {
            if (!empty && line.Length + 1 + word.Length > width)
            {
                yield return line;
                (line, empty) = (margin, true);
            }

            line += empty ? word : $" {word}";
            empty = false;
        }

        yield return line.TrimEnd();
    }

    /// <summary>Returns the lines as a renderable; each is shown whole, whatever the console's width.</summary>
    public static IRenderable Show(IEnumerable<string> lines, Style? style = null) =>
        new Rows(lines.Select(line => new WholeLine(line, style ?? Style.Plain)));

    private sealed class WholeLine(string text, Style style) : Renderable
    {
        protected override Measurement Measure(RenderOptions options, int maxWidth) =>
            new(Math.Min(text.Length, maxWidth), Math.Min(text.Length, maxWidth));

        protected override IEnumerable<Segment> Render(RenderOptions options, int maxWidth) =>
            [new Segment(text, style), Segment.LineBreak];
    }
}
