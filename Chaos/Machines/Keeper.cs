using ReplicationEngine.Chaos.Sites;

namespace ReplicationEngine.Chaos.Machines;

/// <summary>
/// Sees to it that machines that are meant to write do so: after a connection ended, it asks for the disks until they
/// are served again, judges them and goes on.
/// </summary>
internal sealed class Keeper(TwoSites sites, IReadOnlyList<Machine> machines)
{
    private static readonly TimeSpan Often = TimeSpan.FromMilliseconds(150);

    /// <summary>Runs until cancelled.</summary>
    /// <exception cref="Checks.ViolationException">A machine lost what was acknowledged, or was refused.</exception>
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
