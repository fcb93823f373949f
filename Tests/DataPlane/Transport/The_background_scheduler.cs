using ReplicationEngine.DataPlane.Transport;
using Xunit;

namespace ReplicationEngine.Tests.DataPlane.Transport;

public sealed class The_background_scheduler
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Work_runs_at_a_lower_priority_and_stays_there_over_awaits()
    {
        var own = Niceness("self");
        var (first, second) = (own, own);
        await BackgroundScheduler.Shared.Run(async () =>
        {
            first = Niceness("thread-self");
            await Task.Run(() => { }, Token).ConfigureAwait(
                ConfigureAwaitOptions.ContinueOnCapturedContext | ConfigureAwaitOptions.ForceYielding);
            second = Niceness("thread-self");
        });
        var lowered = Math.Min(own + 10, 19);
        Assert.Equal((lowered, lowered), (first, second));
    }

    [Fact]
    public async Task A_thread_that_another_one_made_is_no_lower()
    {
        var own = Niceness("self");
        var seen = new System.Collections.Concurrent.ConcurrentBag<int>();
        using var everyone = new Barrier(8);
        await BackgroundScheduler.Shared.Run(() => Task.WhenAll(Enumerable.Range(0, 8).Select(
            _ => BackgroundScheduler.Shared.Run(() =>
            {
                Assert.True(everyone.SignalAndWait(TimeSpan.FromSeconds(20), Token));
                seen.Add(Niceness("thread-self"));
                return Task.CompletedTask;
            }))));
        Assert.All(seen, niceness => Assert.Equal(Math.Min(own + 10, 19), niceness));
    }

    [Fact]
    public async Task Bodies_that_block_do_not_keep_each_other_from_running()
    {
        using var everyone = new Barrier(20);
        var bodies = Enumerable.Range(0, 20).Select(_ => BackgroundScheduler.Shared.Run(() =>
        {
            Assert.True(everyone.SignalAndWait(TimeSpan.FromSeconds(20), Token));
            return Task.CompletedTask;
        }));
        await Task.WhenAll(bodies);
    }

    [Fact]
    public async Task A_failure_reaches_the_caller()
    {
        var failing = BackgroundScheduler.Shared.Run(() => throw new InvalidDataException("of the body"));
        Assert.Equal("of the body", (await Assert.ThrowsAsync<InvalidDataException>(() => failing)).Message);
    }

    /// <summary>The nineteenth field of its line of figures; the name before it may hold blanks.</summary>
    private static int Niceness(string whose)
    {
        var line = File.ReadAllText($"/proc/{whose}/stat");
        var fields = line[(line.LastIndexOf(')') + 2)..].Split(' ');
        return int.Parse(fields[16], System.Globalization.CultureInfo.InvariantCulture);
    }
}
