using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Simulation.Storage;
using ReplicationEngine.Tests.TestKit.Properties;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Properties;

/// <summary>
/// The activity log against a set of extents: whatever is raised, cleared and lowered, and wherever the power is cut,
/// what is read back holds every extent that was marked (I13).
/// </summary>
public sealed class Laws_of_the_change_map
{
    private const int Extents = 40_000;

    private static readonly Arbitrary<Steps<Step>> Steps = Laws.Sequences(
        from kind in Gen.Choose(0, 5)
        from mark in Gen.Elements(ExtentMark.Active, ExtentMark.Dirty)
        from first in Gen.OneOf(Gen.Choose(0, 100), Gen.Choose(32_600, 32_700), Gen.Choose(0, Extents - 1))
        from count in Gen.Choose(1, 12)
        select new Step(kind, mark, first, Math.Min(Extents - 1, first + count - 1)), 25);

    [Fact]
    [Trait("Req", "I13")]
    [Trait("Req", "I2")]
    public void After_any_power_cut_the_file_holds_every_mark() => Laws.Hold(60, Prop.ForAll(
        Steps, ArbMap.Default.ArbFor<int>(), (steps, seed) => Keeps(steps.Items, seed, forgetful: false)));

    [Fact]
    public void A_map_that_forgets_to_raise_what_it_was_told_is_found() => Laws.Fail(200, Prop.ForAll(
        Steps, ArbMap.Default.ArbFor<int>(), (steps, seed) => Keeps(steps.Items, seed, forgetful: true)));

    private static void Keeps(IReadOnlyList<Step> steps, int seed, bool forgetful)
    {
        var storage = new SimulatedStorage(seed);
        var order = new WriteOrder();
        var map = new ChangeMap(MapFile.Create(storage.Root, 0, Extents, dirty: false), order, Lsn.None);
        var marked = new Dictionary<ExtentMark, HashSet<int>> { [ExtentMark.Active] = [], [ExtentMark.Dirty] = [] };
        var newest = 0L;
        foreach (var step in steps)
        {
            order.StartAt(new Lsn(++newest));
            var run = new ExtentRun(step.First, step.Last);
            switch (step.Kind)
            {
                case 0 or 1 or 2:
                    var raised = forgetful && run.Last > run.First ? new ExtentRun(run.First, run.Last - 1) : run;
                    map.Raise(step.Mark, [raised]);
                    marked[step.Mark].UnionWith(Enumerable.Range(run.First, run.Last - run.First + 1));
                    break;
                case 3:
                    lock (order.Gate)
                    {
                        map.ClearQuiet(new Lsn(newest - 2));
                        marked[ExtentMark.Active].IntersectWith(map[ExtentMark.Active].SetBits());
                    }

                    break;
                case 4 when map.Propose() is { } proposal:
                    map.Lower(proposal);
                    break;
                case 5:
                    map.Dispose();
                    map = new ChangeMap(
                        MapFile.Open(storage.Restart(powerCut: true), 0, Extents), order, new Lsn(newest));
                    break;
            }

            foreach (var (mark, extents) in marked)
            {
                Assert.All(extents, extent => Assert.True(map[mark][extent], $"extent {extent} lost its mark {mark}"));
            }
        }
    }

    private sealed record Step(int Kind, ExtentMark Mark, int First, int Last)
    {
        public override string ToString() => Kind switch
        {
            < 3 => $"extents {First} to {Last} are marked {Mark}",
            3 => "extents that are quiet are cleared",
            4 => "what may be lowered is lowered",
            _ => "the power is cut",
        };
    }
}
