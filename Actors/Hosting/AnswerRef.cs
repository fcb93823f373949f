using Akka.Actor;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// Where the answer to one letter goes. It gets a path, under which other nodes find it, only when somebody asks for
/// one: a letter that stays in the process needs none, and what Akka's own <c>Ask</c> does for each costs as much as
/// the rest of its way.
/// </summary>
internal sealed class AnswerRef(IActorRefProvider provider) : MinimalActorRef
{
    private readonly TaskCompletionSource<object> _answer = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private ActorPath? _path;
    private bool _released;

    /// <summary>The first message that comes.</summary>
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

    /// <summary>Nobody waits any longer.</summary>
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
