using ReplicationEngine.Agent.Volumes;
using Xunit;

namespace ReplicationEngine.Tests.Vault.Access;

/// <summary>An agent serves the disks whose real path it was allowed, and no others.</summary>
public sealed class Allowed_paths : IDisposable
{
    private readonly string _root = Directory.CreateTempSubdirectory("dr-allow-").FullName;

    public Allowed_paths()
    {
        Directory.CreateDirectory(At("ok/deep"));
        Directory.CreateDirectory(At("okay"));
        Directory.CreateDirectory(At("secret"));
        foreach (var file in new[] { "ok/a.img", "ok/deep/b.img", "okay/c.img", "secret/s.img" })
        {
            File.WriteAllText(At(file), "x");
        }

        File.CreateSymbolicLink(At("ok/out.img"), At("secret/s.img"));
        File.CreateSymbolicLink(At("ok/way"), At("secret"));
        File.CreateSymbolicLink(At("secret/in.img"), At("ok/a.img"));
        File.CreateSymbolicLink(At("alias"), At("ok"));
    }

    public void Dispose() => Directory.Delete(_root, recursive: true);

    [Theory]
    [InlineData("ok/a.img", true)]
    [InlineData("ok/deep/b.img", true)]
    [InlineData("ok/deep/../a.img", true)]
    [InlineData("ok//a.img", true)]
    [InlineData("alias/a.img", true)]
    [InlineData("secret/in.img", true)]
    [InlineData("ok/missing.img", true)]
    [InlineData("okay/c.img", false)]
    [InlineData("secret/s.img", false)]
    [InlineData("secret/missing.img", false)]
    [InlineData("ok/out.img", false)]
    [InlineData("ok/way/s.img", false)]
    [InlineData("ok/way/missing.img", false)]
    [InlineData("ok/../secret/s.img", false)]
    [InlineData("ok/way/../ok/a.img", true)]
    [InlineData("ok/missing/../../secret/s.img", false)]
    public void The_real_path_decides(string path, bool allowed)
    {
        foreach (var root in new[] { "ok", "ok/", "alias", "ok/deep/.." })
        {
            var problem = new AllowedPaths([At(root)]).ProblemOf(At(path));
            Assert.True(problem is null == allowed, problem ?? $"{path} is allowed under {root}");
            if (problem is not null)
            {
                Assert.Contains(At(path), problem, StringComparison.Ordinal);
                Assert.Contains("--allow", problem, StringComparison.Ordinal);
            }
        }
    }

    [Fact]
    public void A_disk_alone_a_link_to_one_and_everything_can_be_allowed()
    {
        Assert.Null(new AllowedPaths([At("ok/a.img")]).ProblemOf(At("secret/in.img")));
        Assert.NotNull(new AllowedPaths([At("ok/a.img")]).ProblemOf(At("ok/deep/b.img")));
        Assert.Null(new AllowedPaths([At("ok/out.img")]).ProblemOf(At("secret/s.img")));
        Assert.Null(new AllowedPaths(["/"]).ProblemOf(At("secret/s.img")));
        Assert.Null(new AllowedPaths([At("nothing"), At("secret")]).ProblemOf(At("secret/s.img")));
    }

    [Fact]
    public void Without_any_every_disk_is_refused_with_the_way_to_allow_one()
    {
        var problem = new AllowedPaths([]).ProblemOf(At("ok/a.img"));
        Assert.Contains($"--allow {At("ok")}", problem, StringComparison.Ordinal);
        Assert.Contains("DRCTL_ALLOW", problem, StringComparison.Ordinal);
        Assert.Throws<VolumeException>(() => new AllowedPaths([]).Check(At("ok/a.img")));
    }

    [Fact]
    public void A_device_is_allowed_by_its_node_or_a_link_to_it()
    {
        File.CreateSymbolicLink(At("by-id"), "/dev/null");
        Assert.Null(new AllowedPaths([At("by-id")]).ProblemOf("/dev/null"));
        Assert.Null(new AllowedPaths(["/dev"]).ProblemOf(At("by-id")));
        Assert.NotNull(new AllowedPaths([At("ok")]).ProblemOf(At("by-id")));
        using var opened = File.OpenHandle("/dev/null");
        new AllowedPaths(["/dev/null"]).CheckOpened(At("by-id"), opened);
    }

    [Fact]
    public void A_link_that_is_exchanged_between_check_and_opening_does_not_help()
    {
        var allowed = new AllowedPaths([At("ok")]);
        Refuses(At("ok/out.img"));
        Refuses(At("ok/way/s.img"));
        using var fine = File.OpenHandle(At("ok/a.img"));
        allowed.CheckOpened(At("ok/a.img"), fine);

        void Refuses(string path)
        {
            using var opened = File.OpenHandle(path);
            Assert.Equal(
                "disk-not-allowed",
                Assert.Throws<VolumeException>(() => allowed.CheckOpened(path, opened)).Code);
        }
    }

    private string At(string name) => Path.Combine(_root, name);
}
