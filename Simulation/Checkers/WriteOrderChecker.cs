using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I1: a write that was acknowledged before another one was submitted has the smaller number.</summary>
internal sealed class WriteOrderChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I1";

    /// <inheritdoc/>
    public override void Wrote(SimVm vm, SeenWrite seen)
    {
        if (seen.Write.Logged && seen.Write.After <= seen.AcknowledgedBefore)
        {
            throw Broken(
                vm, $"write {seen.Write.After} was submitted after {seen.AcknowledgedBefore} was acknowledged");
        }
    }
}
