using ReplicationEngine.DataPlane.Storage;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Storage;

/// <summary>Clients that are accepted while open files run out.</summary>
public sealed class An_allowance_of_open_files
{
    [Theory]
    [InlineData(20_000)]
    [InlineData(300)]
    [InlineData(9)]
    public void Accepts_until_only_the_reserve_is_left_and_counts_seldom_while_many_are_free(long files)
    {
        var (free, counts) = (files, 0L);
        var allowance = new OpenFileAllowance(() =>
        {
            counts++;
            return free;
        });
        var accepted = 0L;
        while (allowance.TryTake())
        {
            free--;
            accepted++;
        }

        // Free is zero when the reserve begins: one client more is taken then, and it takes the first of the reserve.
        Assert.Equal(files + 1, accepted);
        Assert.InRange(counts, 1, 24 + (files / 32));
        free++;
        Assert.True(allowance.TryTake(), "a file that was closed is not given out again");
    }
}
