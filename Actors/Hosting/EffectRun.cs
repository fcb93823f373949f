using System.Diagnostics;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Identifiers;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

/// <summary>
/// A run of an effect, retried after 1, 2, 4 … 60 s until it succeeds or is no longer outstanding. Once the run has
/// reported something it is no longer cancelled, because its own report may have ended the obligation and it may have
/// more to report.
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

    /// <summary>Starts the run on the thread pool.</summary>
    /// <param name="ended">Called when the run has ended.</param>
    public void Start(Action ended)
    {
        var finished = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var former = runs.Replace(id, effect.Id, finished.Task);
        _ = Task.Run(() => RunAsync(former, finished, ended));
    }

    /// <summary>Notifies the run that the effect is no longer outstanding.</summary>
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
    /// Ends the run because the entity's actor has stopped; the next actor decides whether the effect is outstanding. A
    /// report in progress is completed.
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
            // The effect is no longer outstanding, or it stays outstanding in the entity's state and is started again
            // with the entity.
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

    /// <summary>
    /// Prepares a retry, which has not reported anything yet. Cancels it when the effect is no longer outstanding.
    /// </summary>
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
