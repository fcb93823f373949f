namespace ReplicationEngine.Orchestration.Effects;

/// <summary>A FIFO lock per VM, for work on its source and target.</summary>
/// <remarks>Waiters continue in their own synchronization context, unlike the waiters of a semaphore.</remarks>
public sealed class VmGates
{
    private readonly Lock _guard = new();
    private readonly Dictionary<string, Queue<TaskCompletionSource>> _waiting = new(StringComparer.Ordinal);

    /// <summary>Waits for the VM's lock. Disposing the result releases it.</summary>
    public async Task<IDisposable> EnterAsync(string vm, CancellationToken cancellationToken)
    {
        if (Queue(vm) is { } turn)
        {
            await using var given = cancellationToken.Register(() => turn.TrySetCanceled(cancellationToken));
            await turn.Task;
        }

        return new Turn(this, vm);
    }

    private TaskCompletionSource? Queue(string vm)
    {
        lock (_guard)
        {
            if (!_waiting.TryGetValue(vm, out var queue))
            {
                _waiting[vm] = new Queue<TaskCompletionSource>();
                return null;
            }

            var turn = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            queue.Enqueue(turn);
            return turn;
        }
    }

    private void Leave(string vm)
    {
        lock (_guard)
        {
            var queue = _waiting[vm];
            while (queue.TryDequeue(out var next))
            {
                if (next.TrySetResult())
                {
                    return;
                }
            }

            _waiting.Remove(vm);
        }
    }

    private sealed class Turn(VmGates gates, string vm) : IDisposable
    {
        private VmGates? _gates = gates;

        public void Dispose() => Interlocked.Exchange(ref _gates, null)?.Leave(vm);
    }
}
