using FsCheck;
using FsCheck.Experimental;
using FsCheck.Fluent;
using ReplicationEngine.Tests.Persistence.Conformance;
using ReplicationEngine.Tests.TestKit.Properties;

namespace ReplicationEngine.Tests.Persistence.Properties;

public sealed class Stores_against_a_model
{
    [Fact]
    [Trait("Req", "I15")]
    [Trait("Req", "I18")]
    [Trait("Req", "I19")]
    [Trait("Req", "OPS-5")]
    public void The_store_in_memory_does_what_the_model_does() =>
        Laws.Hold(40, new JournalMachine(() => new MemoryHarness(), 40).ToProperty());

    [Fact]
    [Trait("Req", "I15")]
    [Trait("Req", "I18")]
    [Trait("Req", "I19")]
    [Trait("Req", "OPS-5")]
    public void The_sqlite_store_does_what_the_model_does() =>
        Laws.Hold(12, new JournalMachine(() => new SqliteHarness(), 25).ToProperty());

    [Theory]
    [InlineData(StoreBug.TakesANumberTwice)]
    [InlineData(StoreBug.TakesACommandTwice)]
    [InlineData(StoreBug.LeavesGapsInTheFeed)]
    [InlineData(StoreBug.KeepsTheLastSnapshotSaved)]
    [InlineData(StoreBug.ForgetsTheWakeMark)]
    public void A_store_with_a_bug_is_told_from_the_model(StoreBug bug)
    {
        var failure = Laws.Fail(100, new JournalMachine(() => new BrokenHarness(bug), 40).ToProperty());

        Assert.Contains("when ", failure, StringComparison.Ordinal);
        Assert.Contains("then ", failure, StringComparison.Ordinal);
    }

    private sealed class JournalMachine(Func<StoreHarness> make, int operations)
        : Machine<StoreHarness, JournalModel>(operations)
    {
        public override Arbitrary<Setup<StoreHarness, JournalModel>> Setup =>
            Gen.Fresh<Setup<StoreHarness, JournalModel>>(() => new Fresh(make)).ToArbitrary();

        public override TearDown<StoreHarness> TearDown => new Close();

        public override Gen<Operation<StoreHarness, JournalModel>> Next(JournalModel model) =>
            JournalOperation.Any(model);
    }

    private sealed class Fresh(Func<StoreHarness> make) : Setup<StoreHarness, JournalModel>
    {
        public override StoreHarness Actual() => make().Open();

        public override JournalModel Model() => JournalModel.Empty;

        public override string ToString() => "given an empty store";
    }

    private sealed class Close : TearDown<StoreHarness>
    {
        public override void Actual(StoreHarness actual) => actual.DisposeAsync().AsTask().GetAwaiter().GetResult();
    }
}
