using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I11: source and replica are equal when the sender has nothing dirty and the replica holds the whole log, so no copy
/// has put older bytes over newer ones. A resync that was ordered to compare everything does not end before it has done
/// so.
/// </summary>
internal sealed class ResyncChecker(SimWorld world) : Checker
{
    private readonly Dictionary<SimVm, (SourceVolume Volume, Generation Generation)> _ordered = [];

    /// <inheritdoc/>
    public override string Id => "I11";

    /// <inheritdoc/>
    public override void Stored(SimVm vm, ProtectedVmEvent @event)
    {
        var sender = vm.Models.Live is null ? vm.Agent.Volume : vm.Target.Live?.Source;
        switch (@event)
        {
            case ProtectedVmEvent.ResyncStarted { Ordered: true } started
                when sender is not null && !started.Reasons.All(SourceDuty.SourceKnowsExtents):
                _ordered.TryAdd(vm, (sender, sender.Tail.Generation));
                break;
            case ProtectedVmEvent.ResyncCompleted when _ordered.Remove(vm, out var then)
                && ReferenceEquals(sender, then.Volume) && sender.Tail.Generation == then.Generation:
                throw Broken(vm, "a resync that was ordered is done, and nothing was marked for it");
        }
    }

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        if (vm.Ledger.Damaged || vm.Agent is not { Alive: true, Volume: { } volume, Session: { Open: true } session }
            || vm.Target.Store is not { } store || !session.Streaming || vm.Agent.Reverse is not null
            || !vm.Guest.Connections.Idle)
        {
            return;
        }

        var counters = volume.Counters();
        if (counters.DirtyBytes > 0 || counters.Mode != CaptureMode.Logging || store.Position.Resyncing
            || store.Applied.CompareTo(counters.Tail) != 0)
        {
            return;
        }

        if (BlockComparison.Differing(vm, store, _ => false) is { } block)
        {
            throw Broken(vm, $"source and replica are in step at {counters.Tail} and differ in {block}");
        }

        vm.Ledger.EqualAt = world.Queue.Now;
    }
}

/// <summary>
/// Compares the source's disks with the newest content of the replica, by hashes of blocks of 64 KiB.
/// </summary>
internal static class BlockComparison
{
    /// <summary>Returns the first hot block that differs and is not excluded; null when there is none.</summary>
    public static string? Differing(
        SimVm vm, DataPlane.Replicas.ReplicaStore store, Func<(int Disk, long Offset), bool> leftOut)
    {
        const int size = IReplicaSink.HashBlockSize;
        var raw = vm.Agent.Raw();
        var buffer = new byte[size];
        var hash = new byte[32];
        Span<bool> differs = stackalloc bool[1];
        foreach (var (disk, start, length) in vm.Shape.Hot)
        {
            using var device = raw(disk);
            for (var offset = start / size * size; offset < start + length; offset += size)
            {
                if (leftOut((disk, offset)))
                {
                    continue;
                }

                var block = buffer.AsSpan(0, (int)Math.Min(size, device.Length - offset));
                device.Read(offset, block);
                DataPlane.Resync.BlockHashTree.HashBlock(block, hash);
                differs.Clear();
                store.CompareBlocks(disk, offset / size, hash, differs);
                if (differs[0])
                {
                    return $"disk {disk} at {offset}";
                }
            }
        }

        return null;
    }
}
