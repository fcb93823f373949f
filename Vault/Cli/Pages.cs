using Spectre.Console;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// The helpers that the pages share: a console on a writer, tables that do not break their cells, headings.
/// </summary>
internal static class Pages
{
    // Redirected output is not folded at 80 columns: a URI in two halves is of no use to a reader or to grep.
    private const int UnboundedWidth = 400;

    /// <summary>Writes a page to stdout.</summary>
    public static void Write(CliSurroundings surroundings, IRenderable page) =>
        Console(surroundings.Out, surroundings.OutWidth).Write(page is Text ? new Rows(page) : page);

    /// <summary>
    /// Returns a Spectre console on <paramref name="writer"/>; without colours when it is no terminal.
    /// </summary>
    public static IAnsiConsole Console(TextWriter writer, int? width)
    {
        var console = AnsiConsole.Create(new AnsiConsoleSettings
        {
            Out = new AnsiConsoleOutput(writer),
            Ansi = width is null ? AnsiSupport.No : AnsiSupport.Yes,
            ColorSystem = width is null ? ColorSystemSupport.NoColors : ColorSystemSupport.Detect,
            Interactive = InteractionSupport.No,
        });
        console.Profile.Width = width ?? UnboundedWidth;
        console.Profile.Capabilities.Unicode = true;
        return console;
    }

    /// <summary>Returns a table with the given columns, without a frame.</summary>
    public static Table Table(params ReadOnlySpan<string> columns)
    {
        var table = new Table { Border = TableBorder.None, ShowHeaders = true };
        foreach (var column in columns)
        {
            table.AddColumn(new TableColumn(new Text(column, new Style(decoration: Decoration.Bold)))
            {
                NoWrap = true,
                Padding = new Padding(0, 0, 2, 0),
            });
        }

        return table;
    }

    /// <summary>Adds a row of plain cells and returns the table.</summary>
    public static Table With(this Table table, params ReadOnlySpan<string> cells)
    {
        var row = new IRenderable[cells.Length];
        for (var i = 0; i < cells.Length; i++)
        {
            row[i] = new Text(Readable.Plain(cells[i]));
        }

        table.AddRow(row);
        return table;
    }

    /// <summary>Returns a line of text.</summary>
    public static Text Line(string text, Style? style = null) => new(Readable.Plain(text), style);

    /// <summary>Returns a heading with an empty line before it.</summary>
    public static Text Heading(string text) => new($"\n{text}", new Style(decoration: Decoration.Bold));

    /// <summary>Returns the style of a health, or of the severity of a cause.</summary>
    public static Style HealthStyle(string health) => health switch
    {
        "normal" => new Style(Color.Green),
        "none" => Style.Plain,
        "warning" => new Style(Color.Yellow),
        _ => new Style(Color.Red),
    };
}
