using Akka.Actor;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// The actor reference that receives the reply to one message. It gets a path, by which other nodes find it, only on
/// request: a message that stays in the process needs none, and what Akka's own <c>Ask</c> does for each message costs
/// as much as the rest of its way.
/// </summary>
internal sealed class AnswerRef(IActorRefProvider provider) : MinimalActorRef
{
    private readonly TaskCompletionSource<object> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ActorPath? _path;
    private bool _released;

    /// <summary>The first message received.</summary>
    public Task<object> Answer => _answer.Task;

    /// <inheritdoc/>
    public override IActorRefProvider Provider => provider;

    /// <inheritdoc/>
    public override IInternalActorRef Parent => provider.TempContainer;

    /// <inheritdoc/>
    public override ActorPath Path
    {
        get
        {
            lock (_answer)
            {
                if (_path is null)
                {
                    _path = provider.TempPath();
                    if (!_released)
                    {
                        provider.RegisterTempActor(this, _path);
                    }
                }

                return _path;
            }
        }
    }

    /// <summary>Releases the reference, because the caller no longer waits.</summary>
    public void Release()
    {
        lock (_answer)
        {
            _released = true;
            if (_path is { } path)
            {
                provider.UnregisterTempActor(path);
            }
        }
    }

    /// <inheritdoc/>
    protected override void TellInternal(object message, IActorRef sender) => _answer.TrySetResult(message);
}
