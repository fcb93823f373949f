using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>A fault by which the next sync of a simulated storage fails.</summary>
internal abstract class FailedSync(int number) : Fault(number, "T", perHour: 0.5)
{
    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <summary>
    /// Lets the next sync of a storage fail. The sync of the heartbeat file (<c>seen</c>) is exempt: it is the most
    /// frequent one, and its loss costs at most a comparison.
    /// </summary>
    protected static void FailNext(SimulatedStorage storage)
    {
        var failed = false;
        storage.FailsToSync = path =>
        {
            var fails = !failed && !path.EndsWith("/seen", StringComparison.Ordinal);
            failed |= fails;
            return fails;
        };
    }
}
