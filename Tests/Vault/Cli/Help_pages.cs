using System.CommandLine;
using ReplicationEngine.Vault.Cli;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>The help pages: every command is listed and described in one line, and every example parses.</summary>
public sealed class Help_pages
{
    private static readonly RootCommand s_root = DrctlCommandLine.Build(
        (_, _) => Task.CompletedTask, (_, _) => Task.CompletedTask).Root;

    public static TheoryData<string> Commands => [.. All(s_root).Select(HelpPage.Path)];

    public static TheoryData<string> Examples => [.. HelpNotes.All.Values.SelectMany(notes => notes.Examples)];

    [Theory]
    [MemberData(nameof(Commands))]
    public void A_page_fits_its_width_and_describes_every_option(string path)
    {
        var command = All(s_root).Single(c => HelpPage.Path(c) == path);
        var lines = HelpPage.Lines(command, 100).ToList();
        Assert.DoesNotContain(lines, line => line.Length > 100);
        Assert.DoesNotContain(command.Options.Where(o => !o.Hidden), o => string.IsNullOrEmpty(o.Description));
        Assert.DoesNotContain(command.Arguments, a => string.IsNullOrEmpty(a.Description));
        Assert.Contains(lines, line => line.StartsWith($"Usage: {path}", StringComparison.Ordinal));
    }

    [Fact]
    public void The_list_of_commands_has_each_of_them_once_in_one_line()
    {
        var lines = HelpPage.Lines(s_root, 100).ToList();
        foreach (var command in s_root.Subcommands)
        {
            Assert.Single(lines, line => line.StartsWith($"  {command.Name} ", StringComparison.Ordinal)
                && line.EndsWith(command.Description!, StringComparison.Ordinal));
        }

        Assert.Equal(s_root.Subcommands.Count, HelpNotes.Groups.Sum(group => group.Commands.Count));
    }

    [Theory]
    [MemberData(nameof(Examples))]
    public void An_example_is_a_valid_command_line(string example)
    {
        var parsed = s_root.Parse(example["drctl ".Length..]);
        Assert.Empty(parsed.Errors);
    }

    [Fact]
    public void Notes_belong_to_commands_that_exist() =>
        Assert.Subset(
            All(s_root).Select(HelpPage.Path).ToHashSet(StringComparer.Ordinal),
            HelpNotes.All.Keys.ToHashSet(StringComparer.Ordinal));

    private static IEnumerable<Command> All(Command command) => command.Subcommands.SelectMany(All).Prepend(command);
}
