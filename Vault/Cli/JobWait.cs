namespace ReplicationEngine.Vault.Cli;

/// <summary>
/// Watches a job until a condition holds. An unreachable server is retried for a while, because the work continues
/// without this process, and a restarted service resumes it.
/// </summary>
internal sealed class JobWait(VaultClient client, CliSurroundings surroundings)
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromMilliseconds(25);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMilliseconds(400);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <summary>Waits until <paramref name="done"/> holds, showing progress on stderr.</summary>
    /// <exception cref="CommandFailedException">The job failed or was cancelled; or it succeeded and
    /// <paramref name="done"/> still did not hold after a minute (then <paramref name="missing"/> names what is
    /// missing); or the server was unreachable for a minute.</exception>
    public Task<WaitState> UntilAsync(
        string vm, string jobId, Func<WaitState, bool> done, string missing, CancellationToken cancellationToken) =>
        WaitDisplay.For(surroundings).RunAsync(show =>
            PollAsync(new Wait(vm, jobId, done, missing, show), cancellationToken));

    private async Task<WaitState> PollAsync(Wait wait, CancellationToken cancellationToken)
    {
        var pause = FirstPause;
        var start = surroundings.Time.GetUtcNow();
        var (answered, ended) = (start, (DateTimeOffset?)null);
        WaitState? state = null;
        while (true)
        {
            try
            {
                var job = await client.JobAsync(wait.JobId, cancellationToken);
                // The VM is read after the job, so that the view includes the effects of an ended job.
                state = new WaitState(job, await client.FindVmAsync(wait.Vm, cancellationToken), Trouble: null);
                answered = surroundings.Time.GetUtcNow();
            }
            catch (CommandFailedException e) when (e.MayPass && surroundings.Time.GetUtcNow() - answered < Patience)
            {
                state = state is null ? null : state with { Trouble = "the server does not respond; retrying" };
            }

            if (state is not null)
            {
                wait.Show(state);
                ThrowIfFailed(state);
                if (wait.Done(state))
                {
                    return state;
                }

                ended ??= state.Ended ? surroundings.Time.GetUtcNow() : null;
                if (surroundings.Time.GetUtcNow() - ended > Patience)
                {
                    throw CommandFailedException.Refused($"{wait.Vm}: {wait.Missing}");
                }
            }

            await Task.Delay(pause, surroundings.Time, cancellationToken);
            pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        }
    }

    private static void ThrowIfFailed(WaitState state)
    {
        var job = state.Job;
        if (job.State == "failed")
        {
            var step = job.Steps.FirstOrDefault(s => s.State == "failed")?.Name;
            var why = job.Error is { } error ? $"{error.Message.TrimEnd('.')}" : "the server gave no reason";
            var remedy = job.Error?.Remedy is { Length: > 0 } text ? $" {text}" : string.Empty;
            throw CommandFailedException.Refused(
                $"{job.Vm}: {job.Kind} failed{(step is null ? string.Empty : $" at {step}")}: {why}.{remedy}"
                + Left(state));
        }

        if (job.State == "cancelled")
        {
            var why = job.Error is { } error ? $": {error.Message.TrimEnd('.')}" : string.Empty;
            throw CommandFailedException.Refused($"{job.Vm}: {job.Kind} was cancelled before it completed{why}.");
        }
    }

    // A protect that failed leaves the VM in the list, because its history is kept; the message points the user to it.
    private static string Left(WaitState state)
    {
        if (state.Vm is not { Phase: "enable-failed", Vm: var vm, Points.Count: var points })
        {
            return string.Empty;
        }

        var how = points > 0 ? $"`drctl disable {vm} --keep-replica`, which keeps the replica and its recovery points"
            : $"`drctl disable {vm}`";
        return $" '{vm}' stays listed as enable-failed; protect it again, or remove it with {how}.";
    }

    private sealed record Wait(string Vm, string JobId, Func<WaitState, bool> Done, string Missing,
        Action<WaitState> Show);
}
