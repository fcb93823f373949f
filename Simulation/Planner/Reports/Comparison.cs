using ReplicationEngine.Simulation.Planner.Outages;
using ReplicationEngine.Simulation.Planner.Scenarios;

namespace ReplicationEngine.Simulation.Planner.Reports;

/// <summary>The subject of a report: one run, or two runs side by side.</summary>
/// <param name="Name">The name of the scenario, or of the log's file.</param>
/// <param name="Base">The run of the unchanged scenario.</param>
/// <param name="Variant">The run of the what-if; null when there is none.</param>
/// <param name="Changes">The changes of the what-if.</param>
/// <param name="Notes">The notes on the origin of the scenario that the reader must know.</param>
internal sealed record Comparison(
    string Name, RunResult Base, RunResult? Variant, IReadOnlyList<ScenarioChange> Changes,
    IReadOnlyList<string> Notes)
{
    /// <summary>The runs with their names; a single run has an empty name.</summary>
    public IEnumerable<(string Name, RunResult Run)> Runs => Variant is null
        ? [("", Base)] : [("as it is", Base), ("what if", Variant)];
}
