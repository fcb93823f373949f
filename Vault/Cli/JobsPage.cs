using ReplicationEngine.Vault.Contracts;
using Spectre.Console.Rendering;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The pages about jobs: a table with steps and durations, and bars on a time axis.</summary>
internal static class JobsPage
{
    private const int TimelineCells = 40;
    private const int FewestCells = 8;

    // The columns before the bar with their distances: the time, the longest names of a kind and a state, a duration.
    private const int BesideTheBar = 11 + 21 + 13 + 14;

    /// <summary>Returns a table of all jobs, each followed by its steps.</summary>
    public static IRenderable Table(IReadOnlyList<JobView> jobs, DateTimeOffset now)
    {
        if (jobs.Count == 0)
        {
            return Pages.Line("No job has run yet.");
        }

        var table = Pages.Table("JOB", "VM", "WHAT", "STATE", "STARTED", "TOOK", "BY");
        foreach (var job in jobs)
        {
            var took = WaitState.Took(job.StartedAt, job.EndedAt, now);
            table.With(
                job.Id, job.Vm, job.Kind, $"{WaitState.Mark(job.State)} {job.State}", Readable.Time(job.StartedAt),
                    took, job.Actor);
            foreach (var step in job.Steps)
            {
                var detail = step.Detail is { Length: > 0 } text ? text : string.Empty;
                table.With(
                    string.Empty, string.Empty, $"  {step.Name}", $"{WaitState.Mark(step.State)} {step.State}",
                        string.Empty,
                    WaitState.Took(step.StartedAt, step.EndedAt, now), detail);
            }

            if (job.Error is { } error)
            {
                var sentence = error.Remedy is { Length: > 0 } remedy ? $"{error.Message} {remedy}" : error.Message;
                table.With(
                    string.Empty, string.Empty, $"  {error.Code}", string.Empty, string.Empty, string.Empty, sentence);
            }
        }

        return table;
    }

    /// <summary>Returns each job as a bar on a shared time axis, oldest first, in lines of a given width.</summary>
    public static IRenderable Timeline(IReadOnlyList<JobView> jobs, DateTimeOffset now, int width)
    {
        var cells = Math.Clamp(width - BesideTheBar - 2, FewestCells, TimelineCells);
        var from = jobs.Min(j => j.StartedAt);
        var to = jobs.Max(j => j.EndedAt ?? now);
        var span = Math.Max((to - from).TotalSeconds, 0.001);
        var axis = $"{Readable.TimeOfDay(from)} … {Readable.TimeOfDay(to)}";
        var table = Pages.Table("STARTED", "WHAT", "STATE", "TOOK", axis.Length <= cells ? axis : "");
        foreach (var job in jobs.OrderBy(j => j.StartedAt))
        {
            var left = Cell(job.StartedAt);
            var right = Math.Max(left + 1, Cell(job.EndedAt ?? now));
            var bar = new string(' ', left) + new string('━', right - left);
            table.With(
                Readable.TimeOfDay(job.StartedAt), job.Kind, $"{WaitState.Mark(job.State)} {job.State}",
                WaitState.Took(job.StartedAt, job.EndedAt, now), bar);
        }

        return table;

        int Cell(DateTimeOffset time) =>
            Math.Clamp((int)((time - from).TotalSeconds / span * cells), 0, cells - 1);
    }
}
