using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// A disk that was restored, or that belongs to another state of the log, holds its restored content: no change is
/// redone over it (A3). I11 and I4 check that the replica follows the disk.
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
