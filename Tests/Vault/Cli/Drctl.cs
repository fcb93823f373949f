using System.Text.Json.Nodes;
using ReplicationEngine.Tests.TestKit.Clocks;
using ReplicationEngine.Vault.Cli;

namespace ReplicationEngine.Tests.Vault.Cli;

/// <summary>Runs drctl in this process against a fake service, on a clock that jumps over every wait.</summary>
internal sealed class Drctl(string server)
{
    public StringWriter Out { get; } = new();

    public StringWriter Error { get; } = new();

    public ManualTime Time { get; } = new(Samples.Start) { SkipsWaits = true };

    public Dictionary<string, string> Variables { get; } = new(StringComparer.Ordinal) { ["DRCTL_SERVER"] = server };

    public int? OutWidth { get; init; }

    public int? ErrorWidth { get; init; }

    public ServeHandler Serve { get; init; } = (_, _) => throw new InvalidOperationException("serve was not expected");

    public AgentHandler Agent { get; init; } = (_, _) => throw new InvalidOperationException("agent was not expected");

    public string Output => Out.ToString();

    public string Errors => Error.ToString();

    public JsonNode Json => JsonNode.Parse(Output)!;

    public Task<int> RunAsync(params string[] arguments) => RunAsync(CancellationToken.None, arguments);

    public Task<int> RunAsync(CancellationToken cancellationToken, params string[] arguments)
    {
        var surroundings = new CliSurroundings(Out, Error, OutWidth, ErrorWidth, Time, Variables.GetValueOrDefault)
        {
            CurrentDirectory = "/here",
        };
        return DrctlCommandLine.Build(Serve, Agent, surroundings).InvokeAsync(arguments, cancellationToken);
    }
}
