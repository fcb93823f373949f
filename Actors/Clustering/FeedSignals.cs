using Akka.Actor;

namespace ReplicationEngine.Actors.Clustering;

/// <summary>
/// Forwards the signals of a growing feed to the node that runs the projections: the first at once, and then at most
/// one for each pause, the last included. Safe for concurrent use.
/// </summary>
internal sealed class FeedSignals
{
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(10);

    private const int Idle = 0;
    private const int Pausing = 1;
    private const int PausingAndOwing = 2;

    private readonly IActorRef _elsewhere;
    private readonly ITimer _timer;
    private int _state;

    public FeedSignals(IActorRef elsewhere, TimeProvider time)
    {
        _elsewhere = elsewhere;
        _timer = time.CreateTimer(_ => PauseEnded(), null, Timeout.InfiniteTimeSpan, Timeout.InfiniteTimeSpan);
    }

    /// <summary>Forwards a signal, or remembers it for the end of the pause.</summary>
    public void Signal()
    {
        if (Interlocked.CompareExchange(ref _state, Pausing, Idle) == Idle)
        {
            Send();
            return;
        }

        // When the pause ends at this moment, the state is idle again and the signal is sent at once.
        if (Interlocked.CompareExchange(ref _state, PausingAndOwing, Pausing) == Idle)
        {
            Signal();
        }
    }

    private void PauseEnded()
    {
        if (Interlocked.CompareExchange(ref _state, Idle, Pausing) != Pausing)
        {
            Volatile.Write(ref _state, Pausing);
            Send();
        }
    }

    private void Send()
    {
        _elsewhere.Tell(FeedGrew.Instance, ActorRefs.NoSender);
        _timer.Change(s_pause, Timeout.InfiniteTimeSpan);
    }
}
