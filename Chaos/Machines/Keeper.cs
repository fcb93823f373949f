using ReplicationEngine.Chaos.Sites;

namespace ReplicationEngine.Chaos.Machines;

/// <summary>
/// Keeps every machine writing that is meant to write. After a connection ended, the keeper requests the disks until
/// they are served again, checks them and resumes the writes.
/// </summary>
internal sealed class Keeper(TwoSites sites, IReadOnlyList<Machine> machines)
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(150);

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="Checks.ViolationException">A machine lost acknowledged writes, or a write was
    /// refused.</exception>
    public async Task RunAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            sites.AreAlive();
            foreach (var machine in machines.Where(m => m.IsMeantToWrite && !m.Writer.IsWriting))
            {
                await KeepAsync(machine, cancellationToken);
            }

            await Task.Delay(Often, TimeProvider.System, cancellationToken);
        }
    }

    private async Task KeepAsync(Machine machine, CancellationToken cancellationToken)
    {
        var served = machine.Place == Place.Source ? sites.AgentRuns : sites.ServiceRuns;
        if (!served || !await machine.Turn.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            return;
        }

        try
        {
            if (machine.IsMeantToWrite)
            {
                await machine.TryGoOnAsync();
            }
        }
        finally
        {
            machine.Turn.Release();
        }
    }
}
