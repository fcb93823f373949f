using ReplicationEngine.Simulation.Outages;
using ReplicationEngine.Simulation.Scenarios;

namespace ReplicationEngine.Simulation.Reports;

/// <summary>One run, or two side by side.</summary>
/// <param name="Name">What was run.</param>
/// <param name="Base">The run.</param>
/// <param name="Variant">The what-if; null when there is none.</param>
/// <param name="Changes">What it changed.</param>
/// <param name="Notes">What the reader must know of where the scenario came from.</param>
public sealed record Comparison(
    string Name, RunResult Base, RunResult? Variant, IReadOnlyList<ScenarioChange> Changes,
    IReadOnlyList<string> Notes)
{
    /// <summary>The runs, with their names.</summary>
    public IEnumerable<(string Name, RunResult Run)> Runs => Variant is null
        ? [("", Base)] : [("as it is", Base), ("what if", Variant)];
}
