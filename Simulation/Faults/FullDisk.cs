using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.Storage;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>A fault by which a file system has little free space for a while.</summary>
internal abstract class FullDisk(int number, double perHour) : Fault(number, "D", perHour)
{
    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (Seconds(random, 10, 500), random.Between(0, 512 << 10));

    /// <summary>Leaves B free bytes in a storage for A ms.</summary>
    protected void Fill(SimWorld world, SimulatedStorage storage, PlannedFault planned)
    {
        storage.FreeBytes = planned.B;
        world.Queue.After(LengthOf(planned), () => storage.FreeBytes = SimulatedStorage.Plenty);
    }
}
