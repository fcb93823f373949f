using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Resync;

public sealed class The_resync_machine
{
    private static readonly DirtyExtent Whole = new(0, 0, DirtyExtent.Size, 1);

    [Fact]
    [Trait("Req", "RES-5")]
    public void A_differing_extent_goes_from_root_to_blocks_to_the_differing_runs()
    {
        var machine = new ResyncMachine(4);
        machine.Begin([Whole], emptyReplica: false);
        Assert.Equal(ResyncSlotKind.RootProbe, Take(machine, 1).Kind);
        Assert.False(machine.TryNext(out _));
        machine.Answered(1, ulong.MaxValue);
        Assert.Equal(ResyncSlotKind.BlockProbe, Take(machine, 2).Kind);
        machine.Answered(2, 0b1011);
        var (first, second) = (Take(machine, 3), Take(machine, 4));
        Assert.Equal((ResyncSlotKind.Data, 0, 2), (first.Kind, first.FirstBlock, first.BlockCount));
        Assert.Equal((ResyncSlotKind.Data, 3, 1), (second.Kind, second.FirstBlock, second.BlockCount));
        machine.Durable(3);
        Assert.False(machine.TryTakeCleared(out _));
        machine.Durable(4);
        Assert.True(machine.TryTakeCleared(out var cleared));
        Assert.Equal(Whole, cleared);
        Assert.True(machine.Idle);
        Assert.Equal((1, 1), (machine.ExtentsCompared, machine.ExtentsDifferent));
    }

    [Fact]
    [Trait("Req", "I13")]
    public void An_equal_extent_is_cleared_only_when_what_it_was_compared_with_is_durable()
    {
        var machine = new ResyncMachine(4);
        machine.Begin([Whole], emptyReplica: false);
        Take(machine, 7);
        machine.Durable(6);
        machine.Answered(7, 0);
        Assert.False(machine.TryTakeCleared(out _));
        machine.Durable(7);
        Assert.True(machine.TryTakeCleared(out _));
    }

    [Fact]
    [Trait("Req", "REP-1")]
    public void An_empty_replica_gets_allocated_blocks_in_chunks_without_a_probe()
    {
        var machine = new ResyncMachine(4);
        machine.Begin([Whole, Whole with { Offset = DirtyExtent.Size, Length = 100_000 }], emptyReplica: true);
        Assert.True(machine.TryNext(out var inspect));
        machine.Inspected(inspect.Work, 0xFFFFF);
        var (first, second) = (Take(machine, 1), Take(machine, 2));
        Assert.Equal((ResyncSlotKind.Copy, 0, 16, 1 << 20),
            (first.Kind, first.FirstBlock, first.BlockCount, first.Length));
        Assert.Equal((ResyncSlotKind.Copy, 16, 4), (second.Kind, second.FirstBlock, second.BlockCount));
        Assert.True(machine.TryNext(out inspect));
        machine.Inspected(inspect.Work, 0);
        Assert.True(machine.TryTakeCleared(out var hole));
        Assert.Equal(100_000, hole.Length);
    }

    [Fact]
    [Trait("Req", "I11")]
    public void An_extent_that_was_begun_is_compared_when_it_is_marked_again()
    {
        var machine = new ResyncMachine(1);
        machine.Begin([Whole], emptyReplica: true);
        Assert.True(machine.TryNext(out var inspect));
        machine.Inspected(inspect.Work, 1);
        Take(machine, 1);
        machine.Begin([Whole with { Version = 2 }], emptyReplica: true);
        Assert.Equal(ResyncSlotKind.RootProbe, Take(machine, 2).Kind);
    }

    [Fact]
    public void An_answer_to_no_probe_is_refused() =>
        Assert.Throws<InvalidDataException>(() => new ResyncMachine(1).Answered(3, 0));

    [Fact]
    [Trait("Req", "I11")]
    [Trait("Req", "OPS-3")]
    public void In_any_order_of_answers_every_extent_is_cleared_once_with_exactly_its_differences()
    {
        Check.One(Config.QuickThrowOnFailure, Prop.ForAll<int, bool>((seed, empty) =>
        {
            var random = new Random(seed);
            var extents = Enumerable.Range(0, random.Next(1, 12)).Select(i => new DirtyExtent(
                random.Next(2), (long)i * DirtyExtent.Size, random.Next(1, DirtyExtent.Size), i)).ToArray();
            var differing = extents.ToDictionary(
                e => e, e => random.Next(3) == 0 ? 0
                    : (ulong)random.NextInt64() & BlockHashTree.MaskOf(BlockHashTree.BlockCount(e.Length)));
            return Drive(new ResyncMachine(random.Next(1, 5)), extents, differing, empty, random);
        }));
    }

    private static bool Drive(
        ResyncMachine machine, DirtyExtent[] extents, Dictionary<DirtyExtent, ulong> differing, bool empty,
            Random random)
    {
        machine.Begin(extents, empty);
        var sent = extents.ToDictionary(e => e, _ => 0UL);
        var probes = new List<(ulong Sequence, ulong Mask)>();
        var cleared = new List<DirtyExtent>();
        ulong sequence = 0;
        for (var step = 0; !machine.Idle && step < 100_000; step++)
        {
            if (random.Next(3) > 0 && machine.TryNext(out var slot))
            {
                var extent = slot.Work.Extent;
                if (slot.Kind == ResyncSlotKind.Inspect)
                {
                    machine.Inspected(slot.Work, differing[extent]);
                    continue;
                }

                machine.Reserved(slot, ++sequence);
                if (slot.Kind is ResyncSlotKind.RootProbe or ResyncSlotKind.BlockProbe)
                {
                    probes.Add((sequence, differing[extent]));
                }
                else
                {
                    var blocks = BlockHashTree.MaskOf(slot.BlockCount) << slot.FirstBlock;
                    Assert.Equal(0UL, sent[extent] & blocks);
                    sent[extent] |= blocks;
                }
            }
            else if (probes.Count > 0 && random.Next(2) == 0)
            {
                var at = random.Next(probes.Count);
                machine.Answered(probes[at].Sequence, probes[at].Mask);
                probes.RemoveAt(at);
            }
            else
            {
                machine.Durable((ulong)random.NextInt64((long)sequence + 1));
            }

            while (machine.TryTakeCleared(out var extent))
            {
                cleared.Add(extent);
            }
        }

        Assert.True(machine.Idle);
        Assert.Equal(extents.OrderBy(e => e.Offset), cleared.OrderBy(e => e.Offset));
        Assert.Equal(differing, sent);
        Assert.Equal(machine.TotalBytes, machine.DoneBytes);
        return true;
    }

    private static ResyncSlot Take(ResyncMachine machine, ulong sequence)
    {
        Assert.True(machine.TryNext(out var slot));
        machine.Reserved(slot, sequence);
        return slot;
    }
}
