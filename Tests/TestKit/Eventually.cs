namespace ReplicationEngine.Tests.TestKit;

/// <summary>
/// Waits for conditions that other threads or processes bring about and that nothing announces. Where something does
/// (a task, a barrier, a clock that the test moves), tests wait for that instead.
/// </summary>
public static class Eventually
{
    /// <summary>How long a test waits for what must come before it fails.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(240);

    /// <summary>
    /// Between two looks: short at first, so that what holds for a moment only is seen too; longer when much time has
    /// passed, because looks that cost something keep a busy machine from what is waited for.
    /// </summary>
    private static readonly TimeSpan ShortPause = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan LongPause = TimeSpan.FromMilliseconds(20);
    private const int ShortLooks = 500;

    /// <summary>A source that is cancelled when the patience is at its end.</summary>
    public static CancellationTokenSource Limit() => new(Patience, TimeProvider.System);

    /// <summary>Waits until a condition holds.</summary>
    /// <exception cref="OperationCanceledException">It did not hold within <see cref="Patience"/>.</exception>
    public static Task HoldsAsync(Func<bool> condition) => HoldsAsync(_ => ValueTask.FromResult(condition()));

    /// <inheritdoc cref="HoldsAsync(Func{bool})"/>
    public static Task HoldsAsync(Func<ValueTask<bool>> condition) => HoldsAsync(_ => condition());

    /// <summary>Waits until a condition holds; whatever it waits for itself ends with its token.</summary>
    /// <exception cref="OperationCanceledException">It did not hold within <see cref="Patience"/>.</exception>
    public static async Task HoldsAsync(Func<CancellationToken, ValueTask<bool>> condition)
    {
        using var limit = Limit();
        for (var looks = 0; !await condition(limit.Token); looks++)
        {
            await Task.Delay(looks < ShortLooks ? ShortPause : LongPause, TimeProvider.System, limit.Token);
        }
    }

    /// <summary>Waits until a task has ended; between the looks, <paramref name="next"/> brings it on.</summary>
    /// <exception cref="OperationCanceledException">It did not end within <see cref="Patience"/>.</exception>
    public static Task EndsAsync(Task task, Action next) => HoldsAsync(() =>
    {
        next();
        return task.IsCompleted;
    });
}
