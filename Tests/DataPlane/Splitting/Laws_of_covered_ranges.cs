using FsCheck;
using FsCheck.Fluent;
using ReplicationEngine.DataPlane.Splitting;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Splitting;

/// <summary>Covering ranges one after another, against a set of single bytes.</summary>
public sealed class Laws_of_covered_ranges
{
    [Fact]
    public void Each_byte_is_fresh_exactly_once()
    {
        Prop.ForAll(ArbMap.Default.ArbFor<int>(), seed =>
        {
            var random = new Random(seed);
            var (covered, model) = (new CoveredRanges(), new HashSet<long>());
            for (var i = 0; i < 60; i++)
            {
                var start = random.Next(200);
                var end = start + random.Next(1, 30);
                var expected = Enumerable.Range(start, end - start).Select(b => (long)b).Where(model.Add).ToList();
                var fresh = covered.Cover(start, end).SelectMany(r =>
                    Enumerable.Range((int)r.Start, (int)(r.End - r.Start)));
                Assert.Equal(expected, fresh.Select(b => (long)b));
            }
        }).Check(Config.QuickThrowOnFailure);
    }
}
