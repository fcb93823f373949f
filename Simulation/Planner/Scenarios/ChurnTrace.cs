using System.Globalization;

namespace ReplicationEngine.Simulation.Planner.Scenarios;

/// <summary>
/// Reads a churn trace: a CSV file of lines <c>seconds,bytes per second</c> with rising times. Lines that begin with #
/// and one heading are skipped. Each rate holds from its time until the next.
/// </summary>
internal static class ChurnTrace
{
    /// <summary>Reads a trace from a file.</summary>
    /// <param name="file">The path of the file, relative to <paramref name="directory"/>.</param>
    /// <param name="directory">The directory of the scenario; null for the current directory.</param>
    /// <exception cref="ScenarioException">The file is missing, or a line is not correct.</exception>
    public static IReadOnlyList<(TimeSpan At, double Rate)> Read(string file, string? directory)
    {
        var path = Path.Combine(directory ?? Environment.CurrentDirectory, file);
        if (!File.Exists(path))
        {
            throw new ScenarioException(new Place(path, 0, 0), "", "There is no such file; name a CSV file of "
                + "'seconds,bytes per second', next to the scenario.");
        }

        return Parse(File.ReadLines(path), path);
    }

    /// <summary>Reads the lines of a trace.</summary>
    public static IReadOnlyList<(TimeSpan At, double Rate)> Parse(IEnumerable<string> lines, string file)
    {
        var steps = new List<(TimeSpan At, double Rate)>();
        var number = 0;
        foreach (var line in lines)
        {
            number++;
            var cells = line.Split(',');
            if (line.Length == 0 || line[0] == '#' || (steps.Count == 0 && line.Any(char.IsLetter)))
            {
                continue;
            }

            if (cells.Length != 2 || !TryNumber(cells[0], out var at) || !TryNumber(cells[1], out var rate))
            {
                throw new ScenarioException(new Place(file, number, 1), "", $"'{line}' is not 'seconds,bytes per "
                    + "second'; write two numbers of 0 or more, such as 300,1048576.");
            }

            var time = TimeSpan.FromSeconds(at);
            if (steps.Count > 0 && time <= steps[^1].At)
            {
                throw new ScenarioException(new Place(file, number, 1), "", $"{at} s is not after the line before it; "
                    + "sort the lines by time.");
            }

            steps.Add((time, rate));
        }

        return steps.Count > 0 ? steps
            : throw new ScenarioException(new Place(file, 1, 1), "", "The trace is empty; write at least one line.");
    }

    private static bool TryNumber(string text, out double number) =>
        double.TryParse(text.Trim(), NumberStyles.Float, CultureInfo.InvariantCulture, out number)
        && number is >= 0 and < 1e15;
}
