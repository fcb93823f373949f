namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>One problem of a scenario.</summary>
/// <param name="Place">The place of the problem in the file.</param>
/// <param name="Path">The path of the value, such as <c>links[0].bandwidth</c>; empty for the whole file.</param>
/// <param name="Reason">The reason, and the form to write instead.</param>
internal sealed record ScenarioProblem(Place Place, string Path, string Reason)
{
    /// <inheritdoc/>
    public override string ToString() => Path.Length == 0 ? $"{Place}: {Reason}" : $"{Place}: {Path}: {Reason}";
}

/// <summary>A scenario cannot be run; the exception holds all problems at once.</summary>
internal sealed class ScenarioException(IReadOnlyList<ScenarioProblem> problems)
    : Exception(string.Join('\n', problems))
{
    /// <summary>Creates the exception for a scenario with one problem.</summary>
    public ScenarioException(Place place, string path, string reason)
        : this([new ScenarioProblem(place, path, reason)])
    {
    }

    /// <summary>The problems, in the order of the file.</summary>
    public IReadOnlyList<ScenarioProblem> Problems => problems;
}
