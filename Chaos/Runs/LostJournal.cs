using ReplicationEngine.Chaos.Checks;
using ReplicationEngine.Chaos.Sites;

namespace ReplicationEngine.Chaos.Runs;

/// <summary>
/// The recovery of a service whose journal is lost, or was replaced by an older one, as an operator does it: the
/// service refuses to start with a reason, and <c>drctl recover</c> makes a journal from the replicas. The service is
/// not running.
/// </summary>
internal sealed class LostJournal(TwoSites sites, Ledger ledger)
{
    private string Kept => Path.Combine(sites.Root, "journal-before");

    /// <summary>Removes the journal, or replaces it by an older one, and recovers it.</summary>
    /// <param name="older">Whether an older journal takes its place, if there is one.</param>
    /// <param name="cancellationToken">Cancels the recovery.</param>
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

    // A journal that lacks only events without effects fits the replicas, and the service continues with it.
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
