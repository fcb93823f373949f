using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I12: no recovery point is made of a replica that equals no moment of its source.</summary>
internal sealed class HalfResyncChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I12";

    /// <inheritdoc/>
    public override void Applied(SimVm vm, SeenRecords seen)
    {
        if (seen.NewPoints > 0 && seen.Before.Position.Resyncing && seen.After.Position.Resyncing)
        {
            throw Broken(vm, $"a point was sealed at {seen.After.Applied} in the middle of a resync");
        }
    }
}
