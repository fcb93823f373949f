using Akka.Actor;
using Akka.Cluster;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Wakes passive entities: one actor in the whole cluster, which reads the wake index at its start and periodically. An
/// entity with outstanding effects is woken at once, in small groups; an entity with a timer, when the timer is due.
/// </summary>
internal sealed class Reminders : UntypedActor
{
    /// <summary>
    /// The number of entities woken at once, because recovering many together is slow for all of them.
    /// </summary>
    private const int WokenAtOnce = 50;

    private static readonly TimeSpan s_readAgain = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan s_tryAgain = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_betweenGroups = TimeSpan.FromMilliseconds(50);

    private readonly EngineServices _services;
    private readonly IReadOnlyList<IEntityRegion> _regions;
    private readonly Queue<(IEntityRegion Region, WakeEntry Entry)> _owing = new();
    private readonly PriorityQueue<(IEntityRegion Region, WakeEntry Entry), DateTimeOffset> _due = new();
    private ITimer? _timer;
    private DateTimeOffset _readAt = DateTimeOffset.MaxValue;

    public Reminders(EngineServices services, IReadOnlyList<IEntityRegion> regions)
    {
        _services = services;
        _regions = regions;
    }

    protected override void PreStart()
    {
        var self = Self;
        _timer = _services.Clock.CreateTimer(_ => self.Tell(Look.Instance, ActorRefs.NoSender));
        _ = ReadAsync().PipeTo(Self);
        Cluster.Get(Context.System).Subscribe(
            Self, ClusterEvent.SubscriptionInitialStateMode.InitialStateAsEvents, typeof(ClusterEvent.MemberRemoved));
    }

    protected override void PostStop()
    {
        Cluster.Get(Context.System).Unsubscribe(Self);
        _timer?.Dispose();
    }

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Read read:
                Take(read);
                WakeDue();
                break;
            case Look when _readAt <= _services.Clock.Steady:
                _readAt = DateTimeOffset.MaxValue;
                WakeDue();
                _ = ReadAsync().PipeTo(Self);
                break;
            case Look:
                WakeDue();
                break;
            case ClusterEvent.MemberRemoved:
                // Nobody on that node wakes its entities any more.
                _ = ReadAsync().PipeTo(Self);
                break;
            case ClusterEvent.CurrentClusterState:
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Take(Read read)
    {
        if (read.Trouble is { } trouble)
        {
            _services.Logger.WakesNotRead(trouble);
            _readAt = _services.Clock.Steady + s_tryAgain;
            return;
        }

        _owing.Clear();
        _due.Clear();
        foreach (var (region, entry) in read.Wakes)
        {
            if (entry.Mark.OwesEffects)
            {
                _owing.Enqueue((region, entry));
            }
            else if (entry.Mark.NextDue is { } due)
            {
                _due.Enqueue((region, entry), due);
            }
        }

        _readAt = _services.Clock.Steady + s_readAgain;
    }

    private void WakeDue()
    {
        var now = _services.Clock.Steady;
        for (var woken = 0; woken < WokenAtOnce && Next(now) is var (region, entry) && region is not null;)
        {
            woken += region.WakeIfUnknown(entry!.Id) ? 1 : 0;
        }

        var next = _owing.Count > 0 ? now + s_betweenGroups
            : _due.TryPeek(out _, out var due) && due < _readAt ? due : _readAt;
        if (next != DateTimeOffset.MaxValue)
        {
            var wait = next - now;
            _timer!.Change(wait < s_betweenGroups ? s_betweenGroups : wait, Timeout.InfiniteTimeSpan);
        }
    }

    private (IEntityRegion? Region, WakeEntry? Entry) Next(DateTimeOffset now) =>
        _owing.TryDequeue(out var owing) ? owing
        : _due.TryPeek(out _, out var due) && due <= now ? _due.Dequeue()
        : (null, null);

    private async Task<object> ReadAsync()
    {
        var wakes = new List<(IEntityRegion, WakeEntry)>();
        try
        {
            foreach (var region in _regions)
            {
                var entries = await _services.Store.Log.ListWakesAsync(region.Type, CancellationToken.None);
                wakes.AddRange(entries.Select(entry => (region, entry)));
            }
        }
        catch (JournalUnavailableException exception)
        {
            return new Read([], exception.Message);
        }

        return new Read(wakes, null);
    }

    private sealed record Read(IReadOnlyList<(IEntityRegion Region, WakeEntry Entry)> Wakes, string? Trouble);

    private sealed record Look
    {
        public static Look Instance { get; } = new();
    }
}
