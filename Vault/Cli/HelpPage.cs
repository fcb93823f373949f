using System.CommandLine;
using System.CommandLine.Invocation;

namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// The page that <c>--help</c> prints for a command: description, usage, arguments and options with their defaults,
/// examples and exit codes. The page of drctl itself lists the commands by task. Lines are at most 100 columns long.
/// </summary>
internal sealed class HelpPage(CliSurroundings surroundings) : SynchronousCommandLineAction
{
    private const int Widest = 100;
    private const int WidestName = 36;

    /// <inheritdoc/>
    public override bool ClearsParseErrors => true;

    /// <inheritdoc/>
    public override int Invoke(ParseResult parseResult)
    {
        var width = Math.Min(surroundings.OutWidth ?? Widest, Widest);
        foreach (var line in Lines(parseResult.CommandResult.Command, width))
        {
            surroundings.Out.WriteLine(line);
        }

        return ExitCodes.Done;
    }

    /// <summary>Returns the lines of a command's page.</summary>
    public static IEnumerable<string> Lines(Command command, int width)
    {
        var notes = HelpNotes.Of(Path(command));
        return
        [
            .. Wrapped.Lines("", $"{command.Description}.", width),
            .. notes.Details.SelectMany(text => Wrapped.Lines("", text, width).Prepend("")),
            "", .. Usage(command, width),
            .. Section("Arguments:", [.. command.Arguments.Where(a => !a.Hidden).Select(Row)], width),
            .. command is RootCommand ? Groups(command, width)
                : Section("Commands:", [.. command.Subcommands.Select(Row)], width),
            .. Section("Options:", [.. command.Options.Where(o => !o.Hidden).Select(Row)], width),
            .. Section("Environment:", [.. notes.Variables], width),
            .. Section("Exit codes:", [.. notes.ExitCodes], width),
            .. notes.Examples.Count == 0 ? [] : notes.Examples.Select(example => $"  {example}").Prepend("Examples:")
                .Prepend(""),
            .. command.Subcommands.Count == 0 ? [] : More(command, width).Prepend(""),
        ];
    }

    /// <summary>Returns a command's name after those of its parents, such as <c>drctl journal show</c>.</summary>
    public static string Path(Command command) =>
        command.Parents.OfType<Command>().FirstOrDefault() is { } parent ? $"{Path(parent)} {command.Name}" : "drctl";

    private static IEnumerable<string> Groups(Command root, int width)
    {
        var rows = root.Subcommands.Where(c => !c.Hidden).Select(Row).ToList();
        var column = Column(rows);
        return HelpNotes.Groups.SelectMany(group => Section(
            $"{group.Title}:",
            [.. group.Commands.Select(name => rows.First(row => row.Name.Split(' ')[0] == name))], width, column));
    }

    private static IEnumerable<string> Usage(Command command, int width)
    {
        var required = command.Options.Where(o => o.Required && !o.Hidden).Select(o => Named(o));
        var arguments = command.Arguments.Where(a => !a.Hidden).Select(Named);
        var optional = command.Options.Any(o => !o.Required && !o.Hidden) ? "[options]" : "";
        var own = string.Join(' ', arguments.Concat(required).Append(optional));
        IEnumerable<string> forms = command.Subcommands.Count == 0 ? [own]
            : command.Action is null ? ["COMMAND [options]"] : [own, "COMMAND [options]"];
        return forms.SelectMany((form, index) => Wrapped.Lines(
            $"{(index == 0 ? "Usage:" : "      ")} {Path(command)} ", form, width));
    }

    private static IEnumerable<string> More(Command command, int width) => Wrapped.Lines(
        "", $"Run `{Path(command)} COMMAND --help` for the options and examples of a command.", width);

    private static IEnumerable<string> Section(
        string title, IReadOnlyList<(string Name, string Text)> rows, int width, int? column = null)
    {
        var at = column ?? Column(rows);
        return rows.Count == 0 ? [] : rows.SelectMany(row => Lines(row, at, width)).Prepend(title).Prepend("");
    }

    // A name that is too long for its column has a line of its own.
    private static IEnumerable<string> Lines((string Name, string Text) row, int column, int width) =>
        row.Name.Length + 2 <= column - 2
            ? Wrapped.Lines($"  {row.Name}".PadRight(column), row.Text, width)
            : Wrapped.Lines(new string(' ', column), row.Text, width).Prepend($"  {row.Name}");

    private static int Column(IReadOnlyList<(string Name, string Text)> rows) =>
        rows.Select(row => row.Name.Length).Where(length => length <= WidestName).DefaultIfEmpty(WidestName).Max() + 4;

    private static (string Name, string Text) Row(Command command) =>
        (string.Join(' ', command.Arguments.Select(Named).Prepend(command.Name)), command.Description ?? "");

    private static (string Name, string Text) Row(Argument argument) =>
        (argument.Name, argument.HelpName is { } values
            ? $"{argument.Description}: {values}" : argument.Description ?? "");

    private static (string Name, string Text) Row(Option option) => (
        string.Join(", ", option.Aliases.Where(alias => alias.StartsWith('-')).Order(StringComparer.Ordinal)
            .Append(Named(option))),
        $"{option.Description}{(option.Required ? " (required)" : "")}");

    private static string Named(Argument argument) => argument.Arity.MinimumNumberOfValues == 0
        ? $"[{argument.Name}{(argument.Arity.MaximumNumberOfValues > 1 ? "…" : "")}]" : argument.Name;

    private static string Named(Option option) =>
        option.HelpName is { } value ? $"{option.Name} {value}" : option.Name;
}
