using System.Diagnostics;
using Akka.Actor;
using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>Periodically moves old events from the journal into its archive. One actor in the whole cluster.</summary>
internal sealed class Archivist : UntypedActor
{
    // A service that has just started is busy enough.
    private static readonly TimeSpan s_firstLook = TimeSpan.FromMinutes(1);

    private readonly EngineServices _services;
    private readonly TimeSpan _after;
    private readonly CancellationToken _ending;
    private ITimer? _timer;

    public Archivist(EngineServices services, TimeSpan after)
    {
        _services = services;
        _after = after;
        _ending = services.Ending;
    }

    protected override void PreStart()
    {
        var self = Self;
        _timer = _services.Clock.CreateTimer(_ => self.Tell(Look.Instance, ActorRefs.NoSender));
        var every = _services.Options.ArchiveEvery;
        _timer.Change(every < s_firstLook ? every : s_firstLook, Timeout.InfiniteTimeSpan);
    }

    protected override void PostStop() => _timer?.Dispose();

    protected override void OnReceive(object message)
    {
        switch (message)
        {
            case Look:
                var looking = ArchiveAsync(_ending);
                _services.Archiving = looking;
                _ = looking.PipeTo(Self);
                break;
            case Looked looked:
                Tell(looked);
                _timer!.Change(_services.Options.ArchiveEvery, Timeout.InfiniteTimeSpan);
                break;
            case Status.Failure failure:
                // A program error; the events stay where they are.
                _services.Telemetry.ArchivingFailed();
                _services.Logger.ArchivingBroken(failure.Cause);
                _timer!.Change(_services.Options.ArchiveEvery, Timeout.InfiniteTimeSpan);
                break;
            default:
                Unhandled(message);
                break;
        }
    }

    private void Tell(Looked looked)
    {
        if (looked.Trouble is { } trouble)
        {
            _services.Telemetry.ArchivingFailed();
            _services.Logger.NotArchived(trouble);
        }

        foreach (var left in looked.Done.Left)
        {
            _services.Logger.LeftUnarchived(left);
        }

        if (looked.Done.Events > 0)
        {
            _services.Telemetry.Archived(looked.Done.Events);
            _services.Logger.Archived(looked.Done.Events, looked.Done.Files);
        }
    }

    private async Task<Looked> ArchiveAsync(CancellationToken cancellationToken)
    {
        var none = new ArchivedEvents(0, 0, []);
        using var activity = _services.Telemetry.Activities.StartActivity("journal.archive");
        try
        {
            var done = await Task.Run(
                () => _services.Store.ArchiveAsync(
                    _services.Time.GetUtcNow() - _after, _services.Options.ArchiveAtLeast, cancellationToken).AsTask(),
                cancellationToken);
            activity?.SetTag("archive.events", done.Events);
            activity?.SetStatus(ActivityStatusCode.Ok);
            return new Looked(done, null);
        }
        catch (JournalUnavailableException exception)
        {
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            return new Looked(none, JournalTrouble.Sentence(exception));
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            return new Looked(none, null);
        }
    }

    private sealed record Look
    {
        public static Look Instance { get; } = new();
    }

    private sealed record Looked(ArchivedEvents Done, string? Trouble);
}
