using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>The next sync of a storage fails.</summary>
internal abstract class FailedSync(int number) : Fault(number, "T", perHour: 0.5)
{
    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <summary>
    /// Fails one sync: not the heartbeat's, which comes most often and whose loss costs a comparison at most.
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
