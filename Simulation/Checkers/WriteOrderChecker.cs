using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I1: a write that was acknowledged before another was submitted has the smaller number.</summary>
internal sealed class WriteOrderChecker : Checker
{
    private readonly Dictionary<object, long> _newest = new(ReferenceEqualityComparer.Instance);

    /// <inheritdoc/>
    public override string Id => "I1";

    /// <inheritdoc/>
    public override void Wrote(SimVm vm, SeenWrite seen)
    {
        if (!seen.Write.Logged)
        {
            return;
        }

        var number = seen.Write.After;
        if (_newest.TryGetValue(seen.Volume, out var newest) && number <= newest)
        {
            throw Broken(vm, $"write {number} follows {newest}");
        }

        _newest[seen.Volume] = number;
    }
}
