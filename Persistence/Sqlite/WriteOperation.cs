using ReplicationEngine.Actors.Journaling;

namespace ReplicationEngine.Persistence.Sqlite;

/// <summary>One thing to be written; shares its transaction with others. Called on the writer's thread only.</summary>
internal abstract class WriteOperation
{
    /// <summary>Writes inside the open transaction; false to be tried again in the next one.</summary>
    public abstract bool Apply();

    /// <summary>The transaction is durable.</summary>
    public abstract void Commit();

    /// <summary>The transaction was rolled back for lack of room.</summary>
    public abstract void RefuseForRoom(string message);

    /// <summary>The transaction failed, or cannot be begun any more.</summary>
    public abstract void Fail(Exception cause);
}

/// <summary>An operation with a result that somebody awaits, elsewhere than on the writer's thread.</summary>
internal abstract class WriteOperation<TResult> : WriteOperation
{
    private readonly TaskCompletionSource<TResult> _completion =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<TResult> Completion => _completion.Task;

    public override void RefuseForRoom(string message) => Fail(new JournalUnavailableException(message));

    public override void Fail(Exception cause) => _completion.TrySetException(cause);

    protected void Answer(TResult result) => _completion.TrySetResult(result);
}

/// <summary>An operation made of two functions, for what is not on the hot path.</summary>
internal sealed class SimpleOperation<TResult>(Func<TResult> apply, Action<TResult> commit) : WriteOperation<TResult>
{
    private TResult? _result;

    public override bool Apply()
    {
        _result = apply();
        return true;
    }

    public override void Commit()
    {
        commit(_result!);
        Answer(_result!);
    }
}
