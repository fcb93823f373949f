using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Replicas.Extents;
using ReplicationEngine.Tests.TestKit.Properties;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Properties;

/// <summary>
/// The replica store's extent index, a stack of layers, against an array with an entry for each block.
/// </summary>
public sealed class Laws_of_the_extent_index
{
    private const int Block = 4096;
    private const int Regions = 4;
    private const int Blocks = Regions * Region.Size / Block;
    private const int Layers = 3;

    private delegate void Put(ActiveLayer layer, long offset, long length, uint segment, long record);

    private static readonly Arbitrary<Steps<Change>> Changes = Laws.Sequences(
        from layer in Gen.Choose(1, Layers)
        from first in Gen.Choose(0, Blocks - 1)
        from length in Gen.OneOf(Gen.Choose(1, 6), Gen.Choose(1, Blocks))
        from zero in Gen.Frequency((3, Gen.Constant(false)), (1, Gen.Constant(true)))
        select new Change(layer, first, Math.Min(length, Blocks - first), zero));

    [Fact]
    [Trait("Req", "I4")]
    public void Every_block_lies_where_the_last_change_up_to_the_cut_put_it() => Laws.Hold(300, Prop.ForAll(
        Changes, Gen.Choose(0, Layers).ToArbitrary(), (changes, cut) => Agrees(changes.Items, cut, PutWhole)));

    [Fact]
    public void An_index_that_loses_the_last_block_of_long_changes_is_found()
    {
        var failure = Laws.Fail(300, Prop.ForAll(Changes, changes => Agrees(
            changes.Items, Layers, (layer, offset, length, segment, record) =>
                PutWhole(layer, offset, length > 8 * Block ? length - Block : length, segment, record))));
        Assert.Contains("when ", failure, StringComparison.Ordinal);
    }

    private static void PutWhole(ActiveLayer layer, long offset, long length, uint segment, long record) =>
        layer.Put(0, offset, length, segment, record);

    private static void Agrees(IReadOnlyList<Change> changes, int cut, Put put)
    {
        var layers = Enumerable.Range(1, Layers).Select(number => new ActiveLayer(number)).ToList();
        var model = new (uint Segment, long Record, long Delta)[Blocks];
        Array.Fill(model, (Extent.Below, 0, 0));
        foreach (var (change, index) in changes.OrderBy(change => change.Layer).Select((change, i) => (change, i)))
        {
            var (segment, record) = change.Zero ? (0u, 0L) : ((uint)index + 1, index * 1000L);
            put(layers[change.Layer - 1], (long)change.First * Block, (long)change.Length * Block, segment, record);
            for (var i = 0; i < change.Length && change.Layer <= cut; i++)
            {
                model[change.First + i] = (segment, record, change.Zero ? 0 : (long)i * Block);
            }
        }

        for (var region = 0; region < Regions; region++)
        {
            var pieces = new List<Piece>();
            new RegionResolver().Resolve([.. layers], cut, 0, region, (0, Region.Size), pieces);
            var at = 0;
            foreach (var extent in pieces.Select(piece => piece.Extent))
            {
                Assert.Equal(at, extent.Start);
                for (; at < extent.End; at += Block)
                {
                    var delta = extent.IsZero || extent.IsBelow ? 0 : extent.Delta + (at - extent.Start);
                    Assert.Equal(
                        model[(region * Region.Size / Block) + (at / Block)], (extent.Segment, extent.Record, delta));
                }
            }

            Assert.Equal(Region.Size, at);
        }
    }

    private sealed record Change(int Layer, int First, int Length, bool Zero)
    {
        public override string ToString() =>
            $"{Length} blocks from block {First} on are {(Zero ? "zeroed" : "written")} in layer {Layer}";
    }
}
