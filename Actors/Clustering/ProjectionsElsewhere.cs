using Akka.Actor;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// The projections that another node of the cluster runs: the store tells how far they are, and requests go to that
/// node. Safe for concurrent use.
/// </summary>
/// <param name="keeper">Forwards messages to the node that runs the projections.</param>
/// <param name="services">The services of the engine.</param>
internal sealed class ProjectionsElsewhere(IActorRef keeper, EngineServices services)
{
    private static readonly TimeSpan s_untilAnswered = TimeSpan.FromSeconds(20);

    private readonly FeedSignals _signals = new(keeper, services.Time);
    private bool _open;

    /// <summary>Notifies the other node that the journal has new events.</summary>
    public void FeedGrew() => _signals.Signal();

    /// <summary>Has an entity's events processed again.</summary>
    public void Retake(string projection, PersistenceId id) =>
        keeper.Tell(new RetakeEntity(projection, id), ActorRefs.NoSender);

    /// <summary>Has a projection rebuilt. Returns when the rebuild has begun.</summary>
    /// <exception cref="JournalUnavailableException">The other node does not reply, or cannot rebuild now.</exception>
    public async Task RebuildAsync(string projection, CancellationToken cancellationToken)
    {
        ProjectionAnswer answer;
        try
        {
            answer = await keeper.Ask<ProjectionAnswer>(
                new RebuildProjection(projection), s_untilAnswered, cancellationToken);
        }
        catch (AskTimeoutException exception)
        {
            throw new JournalUnavailableException(
                $"No node runs the projection '{projection}' now; retry in a few seconds.", exception);
        }

        if (answer.Trouble is { } trouble)
        {
            throw new JournalUnavailableException(trouble);
        }
    }

    /// <summary>Returns the head of the documents to read; null when there are none yet.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    public async ValueTask<ProjectionHead?> ServingAsync(IProjection projection, CancellationToken cancellationToken) =>
        Serving(await HeadsAsync(projection, cancellationToken));

    /// <summary>Returns what a projection does, as its heads in the store tell.</summary>
    /// <exception cref="JournalUnavailableException">The store cannot be read now.</exception>
    public async ValueTask<(long Generation, ProjectionActivity Activity, FeedPosition Position)> StatusAsync(
        IProjection projection, CancellationToken cancellationToken)
    {
        var heads = await HeadsAsync(projection, cancellationToken);
        var (serving, newest) = (Serving(heads), heads.MaxBy(head => head.Generation));
        var activity = serving is null ? ProjectionActivity.Building
            : newest!.Generation > serving.Generation ? ProjectionActivity.Rebuilding : ProjectionActivity.Following;
        return (serving?.Generation ?? 0, activity, newest?.Position ?? FeedPosition.Start);
    }

    private static ProjectionHead? Serving(IEnumerable<ProjectionHead> heads) =>
        heads.Where(head => head.Serving).MaxBy(head => head.Generation);

    private async ValueTask<List<ProjectionHead>> HeadsAsync(
        IProjection projection, CancellationToken cancellationToken)
    {
        var documents = services.Store.Documents;
        if (!Volatile.Read(ref _open))
        {
            await documents.OpenAsync(cancellationToken);
            Volatile.Write(ref _open, true);
        }

        var heads = await documents.HeadsAsync(cancellationToken);
        return [.. heads.Where(head => head.Projection == projection.Name && head.Version == projection.Version)];
    }
}
