using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>A fault by which a process dies, during one of its next storage operations or at once.</summary>
internal abstract class Death(int number, string letter, double perHour) : Fault(number, letter, perHour)
{
    /// <inheritdoc/>
    public override bool IsSudden => true;

    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override (long A, long B) Draw(SplittableRandom random) =>
        (random.Chance(0.3) ? 0 : random.Between(1, 60), 0);

    /// <summary>
    /// Lets a process die during the storage operation with this number, counted from now; 0 means at once.
    /// </summary>
    protected static void Die(Node node, SimulatedStorage storage, long operations)
    {
        if (operations == 0)
        {
            node.Die();
        }
        else
        {
            storage.CrashAtOperation(storage.Operations + operations);
        }
    }
}
