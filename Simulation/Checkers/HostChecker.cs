using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// A disk that was put back, or that belongs to another state of the log, holds what it was put back to: nothing is
/// redone over it (A3). That the replica follows it is judged by I11 and I4.
/// </summary>
internal sealed class HostChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "host";

    /// <inheritdoc/>
    public override void OpenedPutBack(SimVm vm, ulong[] expected, ulong[] actual)
    {
        if (Difference.Of(expected, actual) is { } difference)
        {
            throw Broken(vm, $"the disks that were put back were written over on opening: {difference}");
        }
    }
}
