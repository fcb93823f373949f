using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I28: after a failed sync no flush is acknowledged until the volume is opened again.</summary>
internal sealed class FailedSyncChecker : Checker
{
    private readonly HashSet<(object Volume, int Disk)> _poisoned = [];

    /// <inheritdoc/>
    public override string Id => "I28";

    /// <inheritdoc/>
    public override void Flushed(SimVm vm, SourceVolume volume, int disk, bool failed)
    {
        if (failed)
        {
            _poisoned.Add((volume, disk));
        }
        else if (_poisoned.Contains((volume, disk)))
        {
            throw Broken(vm, "a flush was acknowledged after one had failed");
        }
    }
}
