using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// A kind of fault: how often plans contain it, the numbers that are drawn for it, and its effect on a world. Each kind
/// is a class in its own file, and <see cref="FaultList"/> finds it by its class. A new kind joins a group other than
/// <see cref="FaultGroup.First"/>, takes the next number and is not sudden, so that known seeds keep their faults.
/// </summary>
/// <param name="number">The position among all faults. It determines the order in which plans draw faults, and the
/// order of faults at the same moment. It never changes.</param>
/// <param name="letter">The letter of the fault's class, as docs/SIMULATOR.md names it.</param>
/// <param name="perHour">The mean number per hour of faults of this kind, for each VM, or for the world if the fault is
/// shared.</param>
internal abstract class Fault(int number, string letter, double perHour)
{
    /// <summary>
    /// The fault's name, which is the name of its class. Event files contain it, and draws depend on it.
    /// </summary>
    public string Name => GetType().Name;

    /// <summary>The fault's position among all faults.</summary>
    public int Number => number;

    /// <summary>The letter of the fault's class.</summary>
    public string Letter => letter;

    /// <summary>The mean number per hour of faults of this kind.</summary>
    public double PerHour => perHour;

    /// <summary>The group of faults with which this fault is drawn for a seed.</summary>
    public virtual FaultGroup Group => FaultGroup.First;

    /// <summary>Whether the fault affects all VMs at once, because it affects the service or the journal.</summary>
    public virtual bool IsShared => false;

    /// <summary>Whether the fault affects the service, its journal or the replica.</summary>
    public virtual bool IsOfTheService => IsShared;

    /// <summary>
    /// Whether the fault strikes at once, so that <see cref="Moments"/> may move it close to an operation.
    /// </summary>
    public virtual bool IsSudden => false;

    /// <summary>Whether the fault happens at one moment. Other faults last for A ms.</summary>
    public virtual bool IsMomentary => false;

    /// <summary>
    /// Returns how long a fault lasts. For a fault that happens at one moment this is half a minute, the time for which
    /// its consequences are attributed to it.
    /// </summary>
    public TimeSpan LengthOf(PlannedFault planned) =>
        IsMomentary ? TimeSpan.FromSeconds(30) : TimeSpan.FromMilliseconds(planned.A);

    /// <summary>Draws the numbers A and B of one fault.</summary>
    public virtual (long A, long B) Draw(SplittableRandom random) => (random.Next(long.MaxValue), 0);

    /// <summary>Applies one fault of this kind to a VM and its world.</summary>
    public abstract void Apply(SimWorld world, SimVm vm, PlannedFault planned);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Draws a number of whole seconds between two limits, and returns it in ms.</summary>
    protected static long Seconds(SplittableRandom random, int from, int below) => random.Between(from, below) * 1000L;
}
