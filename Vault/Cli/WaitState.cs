using ReplicationEngine.Vault.Contracts;

namespace ReplicationEngine.Vault.Cli;

/// <summary>The state of a job that is waited for, and its texts.</summary>
/// <param name="Job">The job as last seen.</param>
/// <param name="Vm">The job's VM as last seen; null when it was not seen yet, or is gone.</param>
/// <param name="Trouble">The reason why the newest request failed; null when it succeeded.</param>
internal sealed record WaitState(JobView Job, VmView? Vm, string? Trouble)
{
    private const string RefusedAgent = "agent-conflict";

    /// <summary>True once the job has ended.</summary>
    public bool Ended => Job.State is not ("running" or "pending");

    /// <summary>
    /// The obstacle that blocks the job and its remedy, as far as the VM's view shows them: an agent that is not
    /// connected or is refused, or work that fails and is retried. Null when the job has ended, and when no obstacle is
    /// known.
    /// </summary>
    public string? Obstacle => Ended || Vm is not { } vm ? null
        : vm.Source is { Connected: false, Agent.Length: > 0 } && NeedsSource ? WaitsForAgent(vm)
        : vm.Causes.FirstOrDefault(IsFailedWork) is { } cause ? WithRemedy(cause) : null;

    /// <summary>The state as one line: step, progress, rate, time left, and the obstacle.</summary>
    public string Line
    {
        get
        {
            var line = $"{Job.Vm}: {Job.Kind}: {Step}";
            if (Ended)
            {
                return Readable.Plain($"{Job.Vm}: {Job.Kind}: {Job.State}");
            }

            if (Vm?.Progress is { } progress)
            {
                line += $": {ProgressText(progress)}";
            }

            return Readable.Plain((Trouble ?? Obstacle) is { } why ? $"{line} ({why})" : line);
        }
    }

    /// <summary>
    /// The current work without its progress. The text changes only when something noticeable happens.
    /// </summary>
    public string Where => $"{Job.Kind}|{Step}|{Vm?.Progress?.What}|{Trouble}|{ObstacleKind}";

    // The sentences hold counts and times that change with every attempt.
    private string? ObstacleKind => Obstacle is null ? null
        : string.Join(',', Vm!.Causes.Where(c => c.Code == RefusedAgent || IsFailedWork(c)).Select(c => c.Code));

    // Work that only the recovery site does continues without the agent.
    private bool NeedsSource => Job.Kind is "protect" or "initial-replication" or "make-point" or "planned-failover"
        or "reprotect" or "failback" or "resync";

    private string Step
    {
        get
        {
            var running = Job.Steps.Select((s, i) => (s, i)).Where(x => x.s.State == "running")
                .Select(x => (int?)x.i).FirstOrDefault();
            return running is { } index ? $"step {index + 1} of {Job.Steps.Count}, {Job.Steps[index].Name}" : Job.State;
        }
    }

    /// <summary>Returns the progress as text: per cent, bytes, rate and time left (OPS-3).</summary>
    public static string ProgressText(ProgressView progress)
    {
        var text = $"{Readable.Percent(progress.Percent)}, {Readable.Bytes(progress.BytesDone)} of "
            + $"{Readable.Bytes(progress.BytesTotal)}, {Readable.Rate(progress.BytesPerSecond)}";
        return progress.SecondsLeft is { } left ? $"{text}, {Readable.Duration(left)} left" : text;
    }

    private static string WaitsForAgent(VmView vm)
    {
        var agent = vm.Source.Agent;
        return vm.Causes.FirstOrDefault(c => c.Code == RefusedAgent) is { } refused
            ? $"waiting for agent '{agent}'. {refused.Message}"
            : $"waiting for agent '{agent}', which is not connected; start it on the machine that has the disks, or "
                + "see in its log why it cannot reach the service";
    }

    private static bool IsFailedWork(CauseView cause) => cause.Code is "recoverable-error" or "non-recoverable-error";

    private static string WithRemedy(CauseView cause) =>
        cause.Remedy is { } remedy ? $"{cause.Message} {remedy}" : cause.Message;

    /// <summary>Returns the mark for the state of a job or of a step.</summary>
    public static string Mark(string state) => state switch
    {
        "succeeded" => "✓",
        "failed" => "✗",
        "cancelled" => "–",
        "running" => "▸",
        _ => "·",
    };

    /// <summary>Returns the duration of a step or a job, up to now while it runs; empty before its start.</summary>
    public static string Took(DateTimeOffset? start, DateTimeOffset? end, DateTimeOffset now) =>
        start is { } from ? Readable.Duration(Math.Max(0, ((end ?? now) - from).TotalSeconds)) : string.Empty;
}
