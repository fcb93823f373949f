using ReplicationEngine.Simulation.Cli;
using ReplicationEngine.Simulation.World;
using Xunit;

namespace ReplicationEngine.Tests.Simulation;

/// <summary>The simulated world keeps all invariants: under seeds of this commit, and under every plan that ever
/// broke one.</summary>
public sealed class Fresh_seeds
{
    [Fact]
    [Trait("Req", "I1")]
    [Trait("Req", "I2")]
    [Trait("Req", "I3")]
    [Trait("Req", "I4")]
    [Trait("Req", "I5")]
    [Trait("Req", "I6")]
    [Trait("Req", "I7")]
    [Trait("Req", "I11")]
    [Trait("Req", "I12")]
    [Trait("Req", "I13")]
    [Trait("Req", "I15")]
    [Trait("Req", "I16")]
    [Trait("Req", "I17")]
    [Trait("Req", "I18")]
    [Trait("Req", "I19")]
    [Trait("Req", "I20")]
    [Trait("Req", "I21")]
    [Trait("Req", "I22")]
    [Trait("Req", "I23")]
    [Trait("Req", "I24")]
    [Trait("Req", "I25")]
    [Trait("Req", "I27")]
    [Trait("Req", "I28")]
    [Trait("Req", "I29")]
    [Trait("Req", "I30")]
    public void Sixty_seeds_of_this_commit_break_nothing() =>
        Seeds.AllHold(Seeds.OfCommit, 60, hours: 1);

    [Theory]
    [MemberData(nameof(Files))]
    public void What_was_broken_once_is_whole(string file)
    {
        var regression = EventFile.Read(Path.Combine(AppContext.BaseDirectory, "Regressions", file));
        Assert.Null(new SimWorld(regression.Plan).Run().Broken);
    }

    public static TheoryData<string> Files() => [.. Directory
        .GetFiles(Path.Combine(AppContext.BaseDirectory, "Regressions"), "*.json")
        .Select(path => Path.GetFileName(path)).Order(StringComparer.Ordinal)];
}
