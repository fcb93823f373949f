using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Sites;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>
/// What a person does to a service whose journal is lost, or was put back to an older one: the service says so and
/// does not start, and <c>drctl recover</c> makes a journal from the replicas. The service is dead.
/// </summary>
internal sealed class LostJournal(TwoSites sites, Ledger ledger)
{
    private string Kept => Path.Combine(sites.Root, "journal-before");

    /// <summary>Takes the journal away, or puts the one of the time before in its place; has it made again.</summary>
    /// <param name="older">Whether an older one takes its place, if there is one.</param>
    /// <param name="cancellationToken">Ends it.</param>
    public async Task ReplaceAsync(bool older, CancellationToken cancellationToken)
    {
        var fresh = Path.Combine(sites.Root, "journal-now");
        Directory.CreateDirectory(fresh);
        foreach (var file in Directory.GetFiles(sites.ServiceData, "journal.db*"))
        {
            File.Move(file, Path.Combine(fresh, Path.GetFileName(file)), overwrite: true);
        }

        older &= Directory.Exists(Kept);
        if (older)
        {
            foreach (var file in Directory.GetFiles(Kept))
            {
                File.Copy(file, Path.Combine(sites.ServiceData, Path.GetFileName(file)));
            }
        }
        else
        {
            var start = await sites.Drctl.RunPlainAsync(["serve", "--data", sites.ServiceData]);
            ledger.Check(
                "lost", start.Code == 1 && start.Said.Contains("journal", StringComparison.Ordinal),
                $"without its journal the service exited with {start.Code}: {start.Said.Trim()}");
        }

        cancellationToken.ThrowIfCancellationRequested();
        await RecoverAsync(older);
        if (Directory.Exists(Kept))
        {
            Directory.Delete(Kept, recursive: true);
        }

        Directory.Move(fresh, Kept);
    }

    // A journal that lacks only what no effect followed fits the replicas, and the service goes on with it.
    private async Task RecoverAsync(bool older)
    {
        string[] replace = older ? ["--replace-journal"] : [];
        var recovered = await sites.Drctl.RunPlainAsync(["recover", "--data", sites.ServiceData, .. replace]);
        var fits = older && recovered.Code == 1
            && recovered.Said.Contains("matches the replicas", StringComparison.Ordinal);
        ledger.Check(
            "lost", recovered.Code == 0 || fits,
            $"`drctl recover` exited with {recovered.Code}: {recovered.Said.Trim()}");
    }
}
