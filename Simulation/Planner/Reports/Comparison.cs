using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>One run, or two side by side.</summary>
/// <param name="Name">What was run.</param>
/// <param name="Base">The run.</param>
/// <param name="Variant">The what-if; null when there is none.</param>
/// <param name="Changes">What it changed.</param>
/// <param name="Notes">What the reader must know of where the scenario came from.</param>
internal sealed record Comparison(
    string Name, RunResult Base, RunResult? Variant, IReadOnlyList<ScenarioChange> Changes,
    IReadOnlyList<string> Notes)
{
    /// <summary>The runs, with their names.</summary>
    public IEnumerable<(string Name, RunResult Run)> Runs => Variant is null
        ? [("", Base)] : [("as it is", Base), ("what if", Variant)];
}
