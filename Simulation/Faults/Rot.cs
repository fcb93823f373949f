using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Plans;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Faults;

/// <summary>Fault: one bit of a file of the replica flips. A seeds the choice of the file and of the bit.</summary>
internal sealed class Rot() : Fault(18, "B", perHour: 0.7)
{
    /// <inheritdoc/>
    public override bool IsMomentary => true;

    /// <inheritdoc/>
    public override bool IsOfTheService => true;

    /// <inheritdoc/>
    public override void Apply(SimWorld world, SimVm vm, PlannedFault planned)
    {
        var storage = vm.Target.Storage;
        var random = new SplittableRandom((ulong)planned.A);
        var paths = storage.Paths().Where(path =>
            path.StartsWith("replica/", StringComparison.Ordinal) && storage.LengthOf(path) > 0).ToArray();
        if (paths.Length == 0)
        {
            return;
        }

        vm.Ledger.Damaged = true;
        var path = random.Pick(paths);
        var content = storage.Content(path);
        var at = random.Next(content.Length);
        for (var i = 0; i < 64 && content[at] == 0; i++)
        {
            // Prefers a byte that is not zero, because a flip in a hole shows little. Gives up after 64 draws.
            at = random.Next(content.Length);
        }

        world.Trace.Note($"rotten in {path}", at);
        storage.Flip(path, at, random.Next(8));
    }
}
