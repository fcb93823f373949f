using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Engine.Jobs;

/// <summary>The running jobs and the most recently ended jobs, oldest first. All methods are pure.</summary>
internal static class JobHistory
{
    /// <summary>How many jobs are kept. Running jobs are always kept.</summary>
    public const int Kept = 12;

    /// <summary>Begins a job with its first step.</summary>
    public static ValueList<Job> Start(
        this ValueList<Job> jobs, long id, JobKind kind, string actor, string step, DateTimeOffset at)
    {
        var added = jobs.Add(new Job(id, kind, actor, [new JobStep(step, at, null)], JobOutcome.Running, null));
        var surplus = added.Count - Kept;
        return surplus <= 0 ? added : added.RemoveAll(job => job.Outcome != JobOutcome.Running && surplus-- > 0);
    }

    /// <summary>
    /// Ends the current step of the running job of a kind and begins the next step. Does nothing when no such job runs.
    /// </summary>
    public static ValueList<Job> NextStep(this ValueList<Job> jobs, JobKind kind, string step, DateTimeOffset at) =>
        jobs.Change(kind, job => job with
        {
            Steps = EndStep(job.Steps, at).Add(new JobStep(step, at, null)),
            Error = null,
        });

    /// <summary>Records an error on the running job of a kind. The job keeps running.</summary>
    public static ValueList<Job> NoteError(this ValueList<Job> jobs, JobKind kind, string error) =>
        jobs.Change(kind, job => job with { Error = error });

    /// <summary>Ends the running job of a kind.</summary>
    public static ValueList<Job> End(
        this ValueList<Job> jobs, JobKind kind, JobOutcome outcome, DateTimeOffset at, string? error = null) =>
        jobs.Change(kind, job => Ended(job, outcome, at, error));

    /// <summary>Ends every running job as cancelled.</summary>
    public static ValueList<Job> CancelAll(this ValueList<Job> jobs, DateTimeOffset at, string reason) =>
        jobs.Select(job => job.Outcome == JobOutcome.Running ? Ended(job, JobOutcome.Cancelled, at, reason) : job)
            .ToValueList();

    private static Job Ended(Job job, JobOutcome outcome, DateTimeOffset at, string? error) =>
        job with { Steps = EndStep(job.Steps, at), Outcome = outcome, Error = error };

    private static ValueList<JobStep> EndStep(ValueList<JobStep> steps, DateTimeOffset at) =>
        steps.SetItem(steps.Count - 1, steps[^1] with { EndedAt = at });

    private static ValueList<Job> Change(this ValueList<Job> jobs, JobKind kind, Func<Job, Job> change)
    {
        var index = jobs.IndexOf(job => job.Kind == kind && job.Outcome == JobOutcome.Running);
        return index < 0 ? jobs : jobs.SetItem(index, change(jobs[index]));
    }
}
