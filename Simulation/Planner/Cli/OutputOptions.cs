using System.CommandLine;
using ReplicationEngine.Simulation.Planner.Reports;

namespace ReplicationEngine.Simulation.Planner.Cli;

/// <summary>Writes a report where the options say: tables or JSON to the output, JSON or HTML to files.</summary>
internal sealed class OutputOptions
{
    private readonly Option<bool> _json = new("--json") { Description = "Print JSON instead of tables" };

    private readonly Option<string?> _out = new("--out")
    {
        HelpName = "FILE", Description = "Also write JSON to this file",
    };

    private readonly Option<string?> _html = new("--html")
    {
        HelpName = "FILE", Description = "Also write an HTML report to this file, without external links",
    };

    public void AddTo(Command command)
    {
        command.Options.Add(_json);
        command.Options.Add(_out);
        command.Options.Add(_html);
    }

    public void Write(ParseResult parsed, Comparison comparison)
    {
        var output = parsed.InvocationConfiguration.Output;
        if (parsed.GetValue(_out) is { } file)
        {
            File.WriteAllText(file, JsonReport.Write(comparison));
        }

        if (parsed.GetValue(_html) is { } page)
        {
            File.WriteAllText(page, HtmlReport.Write(comparison));
        }

        if (parsed.GetValue(_json))
        {
            output.Write(JsonReport.Write(comparison));
        }
        else
        {
            var terminal = ReferenceEquals(output, Console.Out) && !Console.IsOutputRedirected;
            TextReport.Write(comparison, output, terminal ? Console.WindowWidth : null);
        }
    }
}
