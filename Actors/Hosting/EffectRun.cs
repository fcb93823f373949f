using System.Diagnostics;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// One run of an effect: tried again after 1, 2, 4 … 60 s until it succeeds or is outstanding no longer. Once it has
/// told something it is not cancelled any more: that it is outstanding no longer is then its own doing, and it may have
/// more to say.
/// </summary>
internal sealed class EffectRun<TCommand>(
    EffectRuns<TCommand> runs, PersistenceId id, Effect effect, IEntityCommandSink<TCommand> sink)
    : IEntityCommandSink<TCommand>
    where TCommand : class
{
    private static readonly TimeSpan s_longestDelay = TimeSpan.FromSeconds(60);

    private readonly Lock _gate = new();
    private readonly CancellationTokenSource _outstanding =
        CancellationTokenSource.CreateLinkedTokenSource(runs.Stopping);
    private int _telling;
    private bool _told;
    private bool _over;
    private bool _abandoned;

    /// <summary>Begins, on the thread pool.</summary>
    /// <param name="ended">Called when it has ended.</param>
    public void Start(Action ended)
    {
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var former = runs.Replace(id, effect.Id, finished.Task);
        _ = Task.Run(() => RunAsync(former, finished, ended));
    }

    /// <summary>The effect is outstanding no longer.</summary>
    public void Cancel()
    {
        lock (_gate)
        {
            _over = true;
            if (!_told)
            {
                _outstanding.Cancel();
            }
        }
    }

    /// <summary>
    /// The entity's actor has ended: whether the effect is outstanding will be seen by the next one. What is being told
    /// is told to its end.
    /// </summary>
    public void Abandon()
    {
        lock (_gate)
        {
            _abandoned = true;
            if (_telling == 0)
            {
                _outstanding.Cancel();
            }
        }
    }

    /// <inheritdoc/>
    public async ValueTask<CommandReply> AskAsync(
        TCommand command, CommandId commandId, string actor, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            _telling++;
            _told = true;
        }

        try
        {
            return await sink.AskAsync(command, commandId, actor, cancellationToken);
        }
        finally
        {
            lock (_gate)
            {
                if (--_telling == 0 && _abandoned)
                {
                    _outstanding.Cancel();
                }
            }
        }
    }

    private async Task RunAsync(Task former, TaskCompletionSource finished, Action ended)
    {
        try
        {
            await former;
            var delay = TimeSpan.FromSeconds(1);
            while (!await TryAsync(delay))
            {
                await Task.Delay(delay, runs.Services.Time, _outstanding.Token);
                delay = delay * 2 < s_longestDelay ? delay * 2 : s_longestDelay;
            }
        }
        catch (OperationCanceledException) when (_outstanding.IsCancellationRequested)
        {
            // Outstanding no longer; or it stays outstanding in the entity's state, and is started again with the
            // entity.
        }
        finally
        {
            runs.Remove(id, effect.Id, finished.Task);
            finished.SetResult();
            ended();
        }
    }

    private async Task<bool> TryAsync(TimeSpan delay)
    {
        _outstanding.Token.ThrowIfCancellationRequested();
        using var activity = runs.Services.Telemetry.Activities.StartActivity("entity.effect");
        activity?.SetTag("entity.id", id.ToString());
        activity?.SetTag("entity.effect", effect.Id.Value);
        try
        {
            await runs.Handler.HandleAsync(id, effect, this, _outstanding.Token);
            activity?.SetStatus(ActivityStatusCode.Ok);
            return true;
        }
        catch (Exception exception) when (!_outstanding.IsCancellationRequested)
        {
            activity?.SetStatus(ActivityStatusCode.Error, exception.Message);
            runs.Services.Logger.EffectFailed(id, effect.Id, delay, exception);
            TellAgain();
            return false;
        }
    }

    /// <summary>The next try has told nothing yet; there is none when the effect is outstanding no longer.</summary>
    private void TellAgain()
    {
        lock (_gate)
        {
            _told = false;
            if (_over)
            {
                _outstanding.Cancel();
            }
        }
    }
}
