namespace ReplicationEngine.Tests.ActorSystem.Journaling;

/// <summary>Waits for what must come.</summary>
internal static class Waiting
{
    /// <summary>What ends the patience with something that does not come.</summary>
    public static CancellationTokenSource Limit() => new(TimeSpan.FromSeconds(60), TimeProvider.System);

    /// <summary>Waits until a condition holds.</summary>
    public static Task UntilAsync(Func<bool> condition) => UntilAsync(() => Task.FromResult(condition()));

    /// <summary>Waits until a condition holds.</summary>
    public static async Task UntilAsync(Func<Task<bool>> condition)
    {
        using var limit = Limit();
        while (!await condition())
        {
            await Task.Delay(TimeSpan.FromMilliseconds(5), TimeProvider.System, limit.Token);
        }
    }
}
