using Akka.Actor;
using ReplicationEngine.Actors.Hosting;
using ReplicationEngine.Actors.Journaling;
using ReplicationEngine.Actors.Projections;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// Runs the projections of the whole cluster: one actor, on one node. The other nodes read the documents. While two
/// nodes run them, when the first cannot be reached, the head of each batch decides which one moves a projection.
/// </summary>
internal sealed class ProjectionKeeper(ProjectionHost projections, EngineServices services) : UntypedActor
{
    protected override void PreStart() => projections.Start(Context.System);

    protected override void PostStop() => _ = projections.StopAsync();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case FeedGrew:
                services.Pulse.Signal();
                break;
            case RetakeEntity retake:
                projections.Retake(retake.Projection, retake.Id);
                break;
            case RebuildProjection rebuild:
                _ = RebuildAsync(rebuild.Projection).PipeTo(Sender);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private async Task<object> RebuildAsync(string projection)
    {
        try
        {
            await projections.RebuildAsync(projection, services.Ending);
            return new ProjectionAnswer(null);
        }
        catch (Exception exception) when (exception is ProjectionBehindException or JournalUnavailableException)
        {
            return new ProjectionAnswer(exception.Message);
        }
    }
}
