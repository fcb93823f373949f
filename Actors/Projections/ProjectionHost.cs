using System.Text.Json;
using Akka.Actor;
using Akka.Streams;
using ReplicationEngine.Actors.Clustering;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Projections;

/// <summary>
/// Reads the documents of an engine's projections and, in a lone process or on the node chosen for it, runs them. On
/// other nodes of a cluster the store tells how far they are.
/// </summary>
internal sealed class ProjectionHost(IEnumerable<IProjection> projections, EngineServices services)
    : IReadModel, IDisposable
{
    private static readonly TimeSpan s_untilReady = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_look = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_lookAtOthers = TimeSpan.FromMilliseconds(20);

    private readonly Dictionary<string, Projected> _all = projections.OrderBy(each => each.Name, StringComparer.Ordinal)
        .ToDictionary(each => each.Name, each => new Projected(each), StringComparer.Ordinal);

    private ActorMaterializer? _materializer;
    private Task _starting = Task.CompletedTask;
    private Task _stopped = Task.CompletedTask;
    private CancellationTokenSource _ending = new();
    private readonly Lock _gate = new();
    private ProjectionsElsewhere? _elsewhere;

    private IDocumentStore Documents => services.Store.Documents;

    /// <summary>Starts the projections in an actor system. Returns immediately.</summary>
    public void Start(ActorSystem system)
    {
        if (_all.Count == 0)
        {
            return;
        }

        lock (_gate)
        {
            _ending = new CancellationTokenSource();
            _starting = StartAsync(_stopped, system, _ending.Token);
        }
    }

    /// <summary>Reads documents that another node's projections make, and tells that node of new events.</summary>
    /// <param name="elsewhere">The projections of the other node.</param>
    public void Follow(ProjectionsElsewhere elsewhere)
    {
        _elsewhere = elsewhere;
        services.Pulse.Stored = () =>
        {
            if (_materializer is null)
            {
                elsewhere.FeedGrew();
            }
        };
    }

    /// <summary>Stops the projections, between two batches.</summary>
    public Task StopAsync()
    {
        lock (_gate)
        {
            return _stopped = StopCoreAsync(_stopped, _starting, _ending);
        }
    }

    public void Dispose() => _ending.Dispose();

    /// <inheritdoc/>
    public async ValueTask<T?> FindAsync<T>(string projection, string id, CancellationToken cancellationToken)
        where T : class, IDocument<T>
    {
        var found = await ReadAsync<T>(
            projection, set => Documents.FindAsync(set, [id], cancellationToken), cancellationToken);
        return found.Count == 0 ? null : JsonSerializer.Deserialize(found[0].Body, T.Form);
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<T>> ListAsync<T>(
        string projection, DocumentRange range, CancellationToken cancellationToken)
        where T : class, IDocument<T>
    {
        var found = await ReadAsync<T>(
            projection, set => Documents.ListAsync(set, range, cancellationToken), cancellationToken);
        return [.. found.Select(stored => JsonSerializer.Deserialize(stored.Body, T.Form)!)];
    }

    /// <inheritdoc/>
    public async ValueTask<bool> PassedAsync(
        string projection, PersistenceId id, long sequence, TimeSpan within, CancellationToken cancellationToken) =>
        await UntilAsync(
            Of(projection), within,
            async progress => (await Documents.FindAsync(
                    new DocumentSet(projection, progress.Generation, EntityMark.Kind), [id.ToString()],
                    cancellationToken))
                .Select(stored => JsonSerializer.Deserialize(stored.Body, EntityMark.Form)!)
                .Any(mark => mark.Sequence >= sequence || mark.Trouble is not null),
            cancellationToken);

    /// <inheritdoc/>
    public async ValueTask<bool> CaughtUpAsync(
        string projection, TimeSpan within, CancellationToken cancellationToken)
    {
        var end = await services.Store.Log.FeedEndAsync(cancellationToken);
        return await UntilAsync(
            Of(projection), within,
            progress => ValueTask.FromResult(progress.IsComplete && progress.Position.CompareTo(end) >= 0),
            cancellationToken);
    }

    /// <inheritdoc/>
    public void Retake(string projection, PersistenceId id)
    {
        var each = Of(projection);
        if (_elsewhere is { } elsewhere && each.Runs.Length == 0)
        {
            elsewhere.Retake(projection, id);
        }

        foreach (var run in each.Runs)
        {
            run.Retake(id);
        }
    }

    /// <inheritdoc/>
    public async ValueTask<IReadOnlyList<ProjectionStatus>> StatusAsync(CancellationToken cancellationToken)
    {
        var all = new List<ProjectionStatus>();
        foreach (var each in _all.Values)
        {
            var runs = each.Runs;
            var newest = runs.Length == 0 ? null : runs[^1];
            var activity = newest is null || (runs.Length == 1 && !newest.CaughtUp.IsCompleted)
                ? ProjectionActivity.Building
                : runs.Length > 1 ? ProjectionActivity.Rebuilding : ProjectionActivity.Following;
            var position = newest?.Head?.Position ?? FeedPosition.Start;
            var generation = runs.Length == 0 ? 0 : runs[0].Generation;
            if (runs.Length == 0 && _elsewhere is { } elsewhere)
            {
                (generation, activity, position) = await elsewhere.StatusAsync(each.Projection, cancellationToken);
            }

            var behind = await services.Store.Log.CountFeedAsync(position, cancellationToken);
            all.Add(new ProjectionStatus(
                each.Projection.Name, each.Projection.Version, generation, activity, position, behind,
                newest?.Trouble ?? each.Trouble));
        }

        return all;
    }

    /// <inheritdoc/>
    public async ValueTask RebuildAsync(string projection, CancellationToken cancellationToken)
    {
        var each = Of(projection);
        if (_elsewhere is { } elsewhere && each.Runs.Length == 0)
        {
            await elsewhere.RebuildAsync(projection, cancellationToken);
            return;
        }

        await each.Gate.WaitAsync(cancellationToken);
        try
        {
            if (_materializer is null || each.Runs.Length == 0)
            {
                throw new ProjectionBehindException(projection);
            }

            // A rebuild in progress begins again.
            var runs = each.Runs;
            foreach (var former in runs[1..])
            {
                await former.StopAsync();
                await Documents.DropAsync(projection, former.Generation, cancellationToken);
            }

            each.Runs = [runs[0], Run(each, runs[^1].Generation + 1, serving: false)];
        }
        finally
        {
            each.Gate.Release();
        }
    }

    // On a node of a cluster starts and stops follow each other, as the node is chosen and replaced.
    private async Task StartAsync(Task former, ActorSystem system, CancellationToken cancellationToken)
    {
        await former.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancellationToken.ThrowIfCancellationRequested();
        _materializer = system.Materializer();
        await BeginAsync(cancellationToken);
    }

    private async Task StopCoreAsync(Task former, Task starting, CancellationTokenSource ending)
    {
        await ending.CancelAsync();
        await former.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await starting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        foreach (var each in _all.Values)
        {
            await Task.WhenAll(each.Runs.Select(run => run.StopAsync()));
            each.End();
        }

        _materializer?.Dispose();
        _materializer = null;
    }

    /// <summary>
    /// Returns the progress of the documents to read: of this node's run, or as the store tells it; null when there are
    /// none yet.
    /// </summary>
    private async ValueTask<Progress?> ProgressAsync(Projected each, CancellationToken cancellationToken)
    {
        if (each.Runs is [var run, ..])
        {
            return new Progress(
                run.Generation, run.CaughtUp.IsCompleted, run.Head?.Position ?? FeedPosition.Start);
        }

        return _elsewhere is { } elsewhere
            && await elsewhere.ServingAsync(each.Projection, cancellationToken) is { } serving
            ? new Progress(serving.Generation, IsComplete: true, serving.Position) : null;
    }

    private async Task BeginAsync(CancellationToken cancellationToken)
    {
        for (var pause = s_look; ; pause = pause * 2)
        {
            try
            {
                await Documents.OpenAsync(cancellationToken);
                var heads = await Documents.HeadsAsync(cancellationToken);
                var end = await services.Store.Log.FeedEndAsync(cancellationToken);
                foreach (var each in _all.Values)
                {
                    await BeginAsync(
                        each, [.. heads.Where(head => head.Projection == each.Projection.Name)], end,
                        cancellationToken);
                }

                return;
            }
            catch (Exception exception) when (!cancellationToken.IsCancellationRequested)
            {
                // Any failure to begin is reported, and the start is retried.
                var what = JournalTrouble.Sentence(exception);
                foreach (var each in _all.Values.Where(each => each.Failed(what, services.Time.GetUtcNow())))
                {
                    services.Logger.ProjectionFailed(each.Projection.Name, what);
                }

                pause = pause > s_untilReady ? s_untilReady : pause;
                await Task.Delay(pause, services.Time, cancellationToken);
            }
        }
    }

    /// <summary>
    /// Resumes a projection where it stopped. Documents of another version, and documents that contain events which the
    /// journal does not have (an older journal), are useless: they are rebuilt and cannot be read until then.
    /// </summary>
    private async Task BeginAsync(
        Projected each, ProjectionHead[] heads, FeedPosition end, CancellationToken cancellationToken)
    {
        if (each.Runs.Length > 0)
        {
            return;
        }

        var useful = heads.Where(head =>
            head.Version == each.Projection.Version && head.Position.CompareTo(end) <= 0).ToList();
        var serving = useful.Where(head => head.Serving).MaxBy(head => head.Generation);
        useful.RemoveAll(head => head.Generation < serving?.Generation);
        foreach (var useless in heads.Except(useful))
        {
            await Documents.DropAsync(each.Projection.Name, useless.Generation, cancellationToken);
        }

        var newest = heads.Length == 0 ? 0 : heads.Max(head => head.Generation);
        each.Runs = serving is not null
            ? [.. useful.OrderBy(head => head.Generation).Select(head => Run(each, head.Generation, head.Serving))]
            : [Run(each, newest + 1, serving: true)];
        each.Started();
    }

    private ProjectionRun Run(Projected each, long generation, bool serving)
    {
        var run = new ProjectionRun(each.Projection, generation, serving, Documents, services);
        run.Start(_materializer!);
        if (!serving)
        {
            _ = TakeOverAsync(each, run);
        }

        return run;
    }

    /// <summary>Lets a generation that has caught up replace the previous one.</summary>
    private async Task TakeOverAsync(Projected each, ProjectionRun run)
    {
        var ending = _ending.Token;
        try
        {
            await run.CaughtUp.WaitAsync(ending);
            await each.Gate.WaitAsync(ending);
            try
            {
                if (!each.Runs.Contains(run))
                {
                    return;
                }

                var former = each.Runs.Where(other => other != run).ToList();
                each.Runs = [run];
                foreach (var other in former)
                {
                    await other.StopAsync();
                    await Documents.DropAsync(each.Projection.Name, other.Generation, ending);
                }

                services.Logger.ProjectionRebuilt(each.Projection.Name);
            }
            finally
            {
                each.Gate.Release();
            }
        }
        catch (OperationCanceledException) when (ending.IsCancellationRequested)
        {
            // The rebuild continues when the engine is started again.
        }
        catch (Exception exception)
        {
            // Remains of the previous generation are dropped at the next start.
            services.Logger.ProjectionNotDropped(each.Projection.Name, exception.Message);
        }
    }

    private Projected Of(string projection) => _all.TryGetValue(projection, out var each)
        ? each : throw new UnknownProjectionException(projection, _all.Keys);

    /// <summary>
    /// Reads documents of the serving generation. Repeats the read when another generation took over, because the old
    /// documents may have been dropped before they were read.
    /// </summary>
    private async ValueTask<IReadOnlyList<StoredDocument>> ReadAsync<T>(
        string projection, Func<DocumentSet, ValueTask<IReadOnlyList<StoredDocument>>> read,
        CancellationToken cancellationToken)
        where T : class, IDocument<T>
    {
        while (true)
        {
            var set = await SetAsync<T>(projection, cancellationToken);
            var found = await read(set);
            if ((await ProgressAsync(Of(projection), cancellationToken))?.Generation == set.Generation)
            {
                return found;
            }
        }
    }

    private async ValueTask<DocumentSet> SetAsync<T>(string projection, CancellationToken cancellationToken)
        where T : class, IDocument<T>
    {
        var each = Of(projection);
        var found = await ProgressAsync(each, cancellationToken);
        if (found is not { IsComplete: true } && !await UntilAsync(
            each, s_untilReady, progress => ValueTask.FromResult((found = progress).Value.IsComplete),
            cancellationToken))
        {
            throw each.Runs is [{ Trouble: { } trouble }, ..]
                ? new JournalUnavailableException($"The read model '{projection}' cannot be read: {trouble.What}.")
                : each.Trouble is { } early
                    ? new JournalUnavailableException($"The read model '{projection}' cannot be read: {early.What}.")
                    : new ProjectionBehindException(projection);
        }

        return new DocumentSet(projection, found!.Value.Generation, T.Kind);
    }

    private async ValueTask<bool> UntilAsync(
        Projected each, TimeSpan within, Func<Progress, ValueTask<bool>> condition,
        CancellationToken cancellationToken)
    {
        var began = TimeProvider.System.GetTimestamp();
        while (true)
        {
            var moved = each.Runs.Length == 0 ? null : each.Runs[0].Moved.Next();
            if (await ProgressAsync(each, cancellationToken) is { } progress && await condition(progress))
            {
                return true;
            }

            var left = within - TimeProvider.System.GetElapsedTime(began);
            if (left <= TimeSpan.Zero)
            {
                return false;
            }

            // The clock of the machine: a caller waits in real time, whatever the engine's clock does.
            using var waiting = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
            var look = moved is null && _elsewhere is not null ? s_lookAtOthers : s_look;
            var pause = Task.Delay(left < look ? left : look, TimeProvider.System, waiting.Token);
            await Task.WhenAny(pause, moved ?? pause);
            cancellationToken.ThrowIfCancellationRequested();
            await waiting.CancelAsync();
        }
    }

    /// <summary>How far the documents that are read have come.</summary>
    private readonly record struct Progress(long Generation, bool IsComplete, FeedPosition Position);

    /// <summary>A projection and its runs: first the run whose documents are read, then the one being built.</summary>
    private sealed class Projected(IProjection projection)
    {
        private ProjectionRun[] _runs = [];

        public IProjection Projection => projection;

        public SemaphoreSlim Gate { get; } = new(1);

        public (string What, DateTimeOffset Since)? Trouble { get; private set; }

        public ProjectionRun[] Runs
        {
            get => Volatile.Read(ref _runs);
            set => Volatile.Write(ref _runs, value);
        }

        /// <summary>Records a failure. Returns whether it differs from the last one.</summary>
        public bool Failed(string what, DateTimeOffset now)
        {
            var news = Trouble?.What != what;
            Trouble = (what, Trouble?.Since ?? now);
            return news;
        }

        public void Started() => Trouble = null;

        public void End()
        {
            foreach (var run in Runs)
            {
                run.Dispose();
            }

            Runs = [];
        }
    }
}
