// A generation of a projection on its way through the feed, as an Akka.Streams graph:
//
//   feed (a batch after another, an empty one when the end is reached) -> apply, one at a time -> commit
//
// A batch is applied to the stored documents and stored with the position of its last event in one transaction, which
// requires the head that the batch began from. When anything fails in between, the graph completes, is restarted after
// a pause, reads the head, and continues after it: every event affects the documents once.
// The feed contains every event except archived ones. This is verified for each entity by its sequence numbers and
// seals. A gap is read from the entity's stream. An unreadable event ends the projection of that entity, and of no
// other (I29).
using System.Collections.Concurrent;
using System.Diagnostics;
using Akka;
using Akka.Streams;
using Akka.Streams.Dsl;
using Akka.Util;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>Runs one generation of a projection until it is stopped.</summary>
internal sealed class ProjectionRun(
    IProjection projection, long generation, bool serving, IDocumentStore store, EngineServices services)
    : IDisposable
{
    private const int EventsPerBatch = 500;
    private const int EventsPerRead = 1_000;

    private static readonly TimeSpan s_firstLook = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan s_longestLook = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan s_lookAnyway = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_firstPause = TimeSpan.FromMilliseconds(200);
    private static readonly TimeSpan s_longestPause = TimeSpan.FromSeconds(5);

    private readonly CancellationTokenSource _ending = new();
    private readonly ConcurrentDictionary<PersistenceId, bool> _retaken = new();
    private readonly TaskCompletionSource _caughtUp = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ProjectionHead? _head;
    private UniqueKillSwitch? _switch;
    private Task _done = Task.CompletedTask;
    private Task _ended = Task.CompletedTask;
    private Task<bool> _applying = Task.FromResult(true);
    private Seen? _trouble;

    /// <summary>The number of the build.</summary>
    public long Generation => generation;

    /// <summary>The progress of the run; null until it has been read.</summary>
    public ProjectionHead? Head => Volatile.Read(ref _head);

    /// <summary>
    /// Completes when the run has reached the feed's end once and its documents are the ones to read.
    /// </summary>
    public Task CaughtUp => _caughtUp.Task;

    /// <summary>Why the run is stopped, and since when; null while it works.</summary>
    public (string What, DateTimeOffset Since)? Trouble =>
        Volatile.Read(ref _trouble) is { } trouble ? (trouble.What, trouble.Since) : null;

    /// <summary>Signalled when a batch is stored.</summary>
    public FeedPulse Moved { get; } = new();

    /// <summary>Starts the run.</summary>
    public void Start(ActorMaterializer materializer)
    {
        _ended = materializer.System.WhenTerminated;
        var settings = RestartSettings.Create(s_firstPause, s_longestPause, randomFactor: 0.2);
        (_switch, _done) = RestartSource.WithBackoff(Batches, settings)
            .ViaMaterialized(KillSwitches.Single<bool>(), Keep.Right)
            .ToMaterialized(Sink.Ignore<bool>(), Keep.Both)
            .Run(materializer);
    }

    /// <summary>Processes an entity's stream again from its first event.</summary>
    public void Retake(PersistenceId id)
    {
        if (projection.Covers(id))
        {
            _retaken[id] = true;
            services.Pulse.Signal();
        }
    }

    /// <summary>Stops the run, between two batches.</summary>
    public async Task StopAsync()
    {
        await _ending.CancelAsync();
        _switch?.Shutdown();

        // A stream whose actor system has ended may never complete.
        await Task.WhenAny(_done, _ended);
        await Volatile.Read(ref _applying);
    }

    public void Dispose() => _ending.Dispose();

    private Source<bool, NotUsed> Batches() =>
        Source.UnfoldAsync(Place.Unknown, NextAsync)
            .SelectAsync(1, places =>
            {
                var applying = ApplyAsync(places);
                Volatile.Write(ref _applying, applying);
                return applying;
            })
            .TakeWhile(applied => applied);

    private async Task<ProjectionHead> LoadAsync()
    {
        await store.OpenAsync(_ending.Token);
        var heads = await store.HeadsAsync(_ending.Token);
        var head = heads.FirstOrDefault(
            known => known.Projection == projection.Name && known.Generation == generation);
        if (head is null)
        {
            head = new ProjectionHead(
                projection.Name, generation, projection.Version, FeedPosition.Start, 1, serving);
            if (Head is not null)
            {
                // A newer generation has replaced this one, which is about to be stopped.
                throw new ProjectionMovedException(head);
            }

            await store.CommitAsync(new ProjectionBatch(null, head, []), _ending.Token);
        }

        Volatile.Write(ref _head, head);
        return head;
    }

    /// <summary>
    /// Returns the next events. Returns an empty batch once at the end of the feed, and then waits for new events.
    /// </summary>
    private async Task<Option<(Place, IReadOnlyList<FeedPlace>)>> NextAsync(Place place)
    {
        try
        {
            if (place == Place.Unknown)
            {
                place = new Place((await LoadAsync()).Position, AtEnd: false);
            }

            for (var look = s_firstLook; ; look = look * 2 < s_longestLook ? look * 2 : s_longestLook)
            {
                var more = services.Pulse.Next();
                var events = await ReadAsync(place.Position);
                if (events.Count == 0 && !_retaken.IsEmpty)
                {
                    // Their streams are read, whatever this batch contains.
                    return (place, [.. _retaken.Keys.Select(id => new FeedPlace(place.Position, id, 0))]);
                }

                if (events.Count > 0 || !place.AtEnd)
                {
                    var next = events.Count > 0 ? events[^1].Position : place.Position;
                    return (new Place(next, AtEnd: events.Count == 0), events);
                }

                look = await WaitAsync(more, look);
            }
        }
        catch (Exception exception)
        {
            // Restarted after a pause, unless the run is to end.
            Failed(exception);
            return Option<(Place, IReadOnlyList<FeedPlace>)>.None;
        }
    }

    /// <summary>Waits until there may be more events. Returns the longest time that it has waited.</summary>
    private async Task<TimeSpan> WaitAsync(Task more, TimeSpan look)
    {
        // Other nodes send no signal, and a database may show committed events a moment later.
        var longest = services.Store.Log.ShowsAtOnce ? s_lookAnyway : look;
        using var waiting = CancellationTokenSource.CreateLinkedTokenSource(_ending.Token);
        var signalled = await Task.WhenAny(more, Task.Delay(longest, services.Time, waiting.Token)) == more;
        await waiting.CancelAsync();
        _ending.Token.ThrowIfCancellationRequested();
        return signalled ? s_firstLook / 2 : look;
    }

    private async Task<IReadOnlyList<FeedPlace>> ReadAsync(FeedPosition after)
    {
        try
        {
            var events = await services.Store.Log.ReadFeedAsync(after, EventsPerBatch, _ending.Token);
            return [.. events.Select(each => new FeedPlace(each.Position, each.Id, each.Event.Sequence, each.Event))];
        }
        catch (JournalCorruptException)
        {
            // The owner of the event is known once its stream is read.
            return await services.Store.Log.ReadPlacesAsync(after, EventsPerBatch, _ending.Token);
        }
    }

    private async Task<bool> ApplyAsync(IReadOnlyList<FeedPlace> places)
    {
        using var activity = services.Telemetry.Activities.StartActivity("projection.batch");
        activity?.SetTag("projection.name", projection.Name);
        activity?.SetTag("projection.events", places.Count);
        try
        {
            var head = Head!;
            var work = new ProjectionWork(store, head);
            var entities = places.Where(place => place.Id is { } id && projection.Covers(id))
                .GroupBy(place => place.Id!.Value).ToList();
            await work.LoadAsync<EntityMark>([.. entities.Select(group => group.Key.ToString())], _ending.Token);
            foreach (var entity in entities)
            {
                await TakeAsync(entity.Key, [.. entity], work);
            }

            if (places.Count > 0 || !head.Serving)
            {
                var next = head with
                {
                    Position = places.Count > 0 ? places[^1].Position : head.Position,
                    Revision = head.Revision + 1,
                    Serving = head.Serving || places.Count == 0,
                };
                await store.CommitAsync(new ProjectionBatch(head, next, work.Changes), _ending.Token);
                Volatile.Write(ref _head, next);
                var decided = places.Count == 0 ? null : places[^1].Event?.Time;
                services.Telemetry.Projected(projection.Name, places.Count, services.Time.GetUtcNow() - decided);
            }

            Volatile.Write(ref _trouble, null);
            Moved.Signal();
            if (places.Count == 0)
            {
                _caughtUp.TrySetResult();
            }

            activity?.SetStatus(ActivityStatusCode.Ok);
            return true;
        }
        catch (Exception exception)
        {
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            Failed(exception);
            return false;
        }
    }

    private async Task TakeAsync(PersistenceId id, List<FeedPlace> places, ProjectionWork work)
    {
        var again = _retaken.TryRemove(id, out _);
        var mark = again ? null : await work.FindAsync<EntityMark>(id.ToString(), _ending.Token);
        if (mark?.Trouble is not null)
        {
            return;
        }

        var head = mark?.Head ?? StreamHead.Start;
        var wanted = places.Where(place => place.Sequence > head.Sequence).ToList();
        if (wanted.Count == 0 && !again)
        {
            return;
        }

        try
        {
            if (again)
            {
                var all = await ReadStreamAsync(id, head, null);
                await projection.ProjectAsync(id, all, work, _ending.Token);
                work.Store(EntityMark.Of(id, all[^1].Head));
                return;
            }

            var whole = wanted.All(place => place.Event is not null)
                && wanted.Select((place, i) => place.Sequence == head.Sequence + 1 + i).All(follows => follows);
            if (!whole && await services.Store.Log.ArchivedToAsync(id, _ending.Token) <= head.Sequence)
            {
                services.Telemetry.ProjectionGap(projection.Name);
                services.Logger.ProjectionGap(projection.Name, id, head.Sequence + 1);
            }

            var events = whole
                ? [.. wanted.Select(place => place.Event!)]
                : await ReadStreamAsync(id, head, wanted[^1].Sequence);
            head = EventChain.Verify(id, head, events);
            await projection.ProjectAsync(id, events, work, _ending.Token);
            work.Store(EntityMark.Of(id, head));
        }
        catch (Exception exception) when (exception is JournalCorruptException or UnreadableEventException)
        {
            services.Logger.ProjectionEnded(projection.Name, id, exception.Message);
            await projection.EndAsync(id, exception.Message, work, _ending.Token);
            work.Store(EntityMark.Of(id, head, exception.Message));
        }
    }

    private async Task<IReadOnlyList<StoredEvent>> ReadStreamAsync(PersistenceId id, StreamHead after, long? to)
    {
        var events = new List<StoredEvent>();
        var head = after;
        StreamSlice slice;
        do
        {
            slice = await services.Store.Log.ReadStreamAsync(
                id, head, (int)Math.Min(EventsPerRead, (to ?? long.MaxValue) - head.Sequence), _ending.Token);
            events.AddRange(slice.Events);
            head = events.Count == 0 ? head : events[^1].Head;
        }
        while (head.Sequence < (to ?? long.MaxValue) && !slice.EndOfStream);

        return head.Sequence == (to ?? head.Sequence) && events.Count > 0 ? events : throw new JournalCorruptException(
            id, head.Sequence + 1, "it is in the feed, but not in its stream");
    }

    private void Failed(Exception exception)
    {
        if (_ending.IsCancellationRequested)
        {
            return;
        }

        var what = JournalTrouble.Sentence(exception);
        var known = Volatile.Read(ref _trouble);
        Volatile.Write(ref _trouble, new Seen(what, known?.Since ?? services.Time.GetUtcNow()));
        services.Telemetry.ProjectionFailed(projection.Name, exception);
        if (known?.What != what)
        {
            services.Logger.ProjectionFailed(projection.Name, what);
        }
    }

    private readonly record struct Place(FeedPosition Position, bool AtEnd)
    {
        /// <summary>The place recorded in the stored head.</summary>
        public static Place Unknown { get; } = new(new FeedPosition(-1), AtEnd: false);
    }

    private sealed record Seen(string What, DateTimeOffset Since);
}
