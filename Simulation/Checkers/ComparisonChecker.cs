using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I14: a comparison finds exactly the blocks in which the replica differs. The check runs at the end of a run, when
/// source and replica are in sync. It changes one byte in some of the source's blocks on their way into the comparison.
/// It compares as many blocks at once as a resync does.
/// </summary>
internal sealed class ComparisonChecker(SimWorld world, SplittableRandom random) : Checker
{
    private const int Block = IReplicaSink.HashBlockSize;
    private const int AtOnce = 64;
    private const int HashSize = 32;

    /// <inheritdoc/>
    public override string Id => "I14";

    /// <inheritdoc/>
    public override void End(SimVm vm)
    {
        if (vm.Ledger.Damaged || vm.Agent is not { Alive: true, Volume: { } volume, Reverse: null }
            || vm.Target.Store is not { } store || vm.Models.Live is not null
            || volume.Counters() is not { DirtyBytes: 0 } counters || store.Position.Resyncing
            || store.Applied.CompareTo(counters.Tail) != 0)
        {
            return;
        }

        var sink = world.Parts.Sink(store);
        foreach (var (disk, start, length) in vm.Shape.Hot)
        {
            for (var from = start / Block * Block; from < start + length; from += AtOnce * Block)
            {
                var bytes = Math.Min(start + length - from, AtOnce * Block);
                Compare(vm, sink, disk, from, (int)((bytes + Block - 1) / Block));
            }
        }
    }

    private void Compare(SimVm vm, IReplicaSink sink, int disk, long from, int count)
    {
        var planted = Enumerable.Range(0, count).Select(_ => random.Chance(0.2)).ToArray();
        var hashes = new byte[count * HashSize];
        using (var device = vm.Agent.Raw()(disk))
        {
            var buffer = new byte[Block];
            for (var i = 0; i < count; i++)
            {
                var block = buffer.AsSpan(0, (int)Math.Min(Block, device.Length - from - ((long)i * Block)));
                device.Read(from + ((long)i * Block), block);
                if (planted[i])
                {
                    block[random.Between(0, block.Length)] ^= 1;
                }

                DataPlane.Resync.BlockHashTree.HashBlock(block, hashes.AsSpan(i * HashSize, HashSize));
            }
        }

        var found = new bool[count];
        sink.CompareBlocks(disk, from / Block, hashes, found);
        for (var i = 0; i < count; i++)
        {
            if (found[i] != planted[i])
            {
                var what = planted[i] ? "differs, and the comparison does not say so"
                    : "is equal, and is said to differ";
                throw Broken(vm, $"block {i + (from / Block)} of disk {disk} {what}");
            }
        }
    }
}
