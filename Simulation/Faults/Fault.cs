using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>
/// A kind of fault: how often plans have it, what is drawn for one, and what one does to a world. Each is a class in a
/// file of its own and known by that alone (<see cref="FaultList"/>). A new one joins a group other than
/// <see cref="FaultGroup.First"/> and takes the next number, so that known seeds keep what they have.
/// </summary>
/// <param name="number">
/// The place among all faults in which plans draw them and order those of the same moment; never changes.
/// </param>
/// <param name="letter">The class of fault, as docs/SIMULATOR.md names it.</param>
/// <param name="perHour">The mean number for each VM, or for the world when it is shared.</param>
internal abstract class Fault(int number, string letter, double perHour)
{
    /// <summary>The name, which is the class's: event files bear it, and draws depend on it.</summary>
    public string Name => GetType().Name;

    /// <summary>The place among all faults.</summary>
    public int Number => number;

    /// <summary>The class of fault.</summary>
    public string Letter => letter;

    /// <summary>The mean number per hour.</summary>
    public double PerHour => perHour;

    /// <summary>The faults with which it is drawn for a seed.</summary>
    public virtual FaultGroup Group => FaultGroup.First;

    /// <summary>Whether it befalls all VMs at once, because it is the service's or the journal's.</summary>
    public virtual bool IsShared => false;

    /// <summary>Whether it troubles the service, its journal or the replica.</summary>
    public virtual bool IsOfTheService => IsShared;

    /// <summary>Whether it strikes at once, so that <see cref="Moments"/> may bring it close to an operation.</summary>
    public virtual bool IsSudden => false;

    /// <summary>Whether it happens at a moment, rather than for A ms.</summary>
    public virtual bool IsMomentary => false;

    /// <summary>How long one lasts; those that happen at a moment are followed for half a minute.</summary>
    public TimeSpan LengthOf(PlannedFault planned) =>
        IsMomentary ? TimeSpan.FromSeconds(30) : TimeSpan.FromMilliseconds(planned.A);

    /// <summary>Draws what one has.</summary>
    public virtual (long A, long B) Draw(SplittableRandom random) => (random.Next(long.MaxValue), 0);

    /// <summary>Lets one happen.</summary>
    public abstract void Apply(SimWorld world, SimVm vm, PlannedFault planned);

    /// <inheritdoc/>
    public override string ToString() => Name;

    /// <summary>Draws a time between both in ms.</summary>
    protected static long Seconds(SplittableRandom random, int from, int below) => random.Between(from, below) * 1000L;
}
