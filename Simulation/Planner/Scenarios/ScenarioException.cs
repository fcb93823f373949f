namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>One thing that is wrong with a scenario.</summary>
/// <param name="Place">Where.</param>
/// <param name="Path">Of what, such as <c>links[0].bandwidth</c>; empty for the whole file.</param>
/// <param name="Reason">What is wrong, and what to write instead.</param>
internal sealed record ScenarioProblem(Place Place, string Path, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => Path.Length == 0 ? $"{Place}: {Reason}" : $"{Place}: {Path}: {Reason}";
}

/// <summary>A scenario that cannot be run, with every reason at once.</summary>
internal sealed class ScenarioException(IReadOnlyList<ScenarioProblem> problems)
    : Exception(string.Join('\n', problems))
{
    /// <summary>A scenario with one problem.</summary>
    public ScenarioException(Place place, string path, string reason)
        : this([new ScenarioProblem(place, path, reason)])
    {
    }

    /// <summary>The reasons, in the order of the file.</summary>
    public IReadOnlyList<ScenarioProblem> Problems => problems;
}
