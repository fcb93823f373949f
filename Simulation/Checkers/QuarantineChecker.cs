using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I29: only an entity whose stream was damaged goes out of service, and no other entity fails with an exception.
/// </summary>
internal sealed class QuarantineChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I29";

    /// <inheritdoc/>
    public override void EntityFailed(SimVm vm, Exception cause)
    {
        if (vm.Ledger.Antidote is null)
        {
            throw Broken(vm, $"its entity failed: {cause.GetType().Name}: {cause.Message}");
        }
    }
}
