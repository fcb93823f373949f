using System.Collections.Concurrent;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Tests.TestKit;
using ReplicationEngine.Tests.TestKit.Counters;

namespace ReplicationEngine.Tests.Actors.Clustering;

/// <summary>Commands that are sent to some nodes, each until it is accepted, and what must have come of them.</summary>
internal sealed class Load
{
    private const int Counters = 60;

    private readonly ConcurrentDictionary<string, int> _accepted = new(StringComparer.Ordinal);
    private readonly TestCluster _cluster;
    private readonly Task[] _senders;
    private bool _ended;
    private int _commands;
    private int _accepts;
    private int _unknown;

    public Load(TestCluster cluster, string name, int[] from)
    {
        _cluster = cluster;
        Name = name;
        _senders = [.. Enumerable.Range(0, 8).Select(sender => SendAsync(from[sender % from.Length]))];
    }

    public string Name { get; }

    public int Accepted => Volatile.Read(ref _accepts);

    /// <summary>The number of replies that told no outcome.</summary>
    public int Unknown => Volatile.Read(ref _unknown);

    public Task UntilAsync(int accepted) => Eventually.HoldsAsync(() => Accepted >= accepted);

    public async Task EndAsync()
    {
        Volatile.Write(ref _ended, true);
        await Task.WhenAll(_senders);
    }

    public async Task JudgeAsync(int node)
    {
        Assert.True(await _cluster[node].Engine.ReadModel.CaughtUpAsync(
            Totals.ProjectionName, Eventually.Patience, default));
        foreach (var (counter, count) in _accepted)
        {
            Assert.Equal(count, (await _cluster[node][counter].StateAsync(default)).State.Total);
            Assert.Equal(
                new Total(counter, count, count, null),
                await _cluster[node].Engine.ReadModel.FindAsync<Total>(
                    Totals.ProjectionName, counter, default));
        }
    }

    private async Task SendAsync(int node)
    {
        while (!Volatile.Read(ref _ended))
        {
            var number = Interlocked.Increment(ref _commands);
            var counter = $"{Name}-{number % Counters}";
            await Eventually.HoldsAsync(async () =>
            {
                var reply = await _cluster.AddAsync(node, counter, number, 1);
                Interlocked.Add(ref _unknown, reply is CommandReply.Accepted ? 0 : 1);
                return reply is CommandReply.Accepted;
            });
            _accepted.AddOrUpdate(counter, 1, (_, count) => count + 1);
            Interlocked.Increment(ref _accepts);
        }
    }
}
