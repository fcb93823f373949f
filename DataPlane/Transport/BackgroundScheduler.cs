using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Transport;

/// <summary>
/// Threads for sending and applying, of lower priority than those that serve disks: while processors are scarce the
/// guest has priority and the replication log grows; sending keeps a share of the processors, so that it always
/// progresses. Threads are created on demand, up to a limit, and end when idle. A continuation of a task on these
/// threads also runs on them.
/// </summary>
public sealed class BackgroundScheduler : TaskScheduler
{
    /// <summary>
    /// The increase of the nice value: against one busy thread of the guest's side, about a tenth of a processor.
    /// </summary>
    private const int Niceness = 10;

    private const int MaxThreads = 64;
    private static readonly TimeSpan IdleTime = TimeSpan.FromSeconds(10);
    private readonly BlockingCollection<Task> _queue = [];
    private int _threads;
    private int _idle;

    /// <summary>The scheduler of this process.</summary>
    public static BackgroundScheduler Shared { get; } = new();

    /// <inheritdoc/>
    public override int MaximumConcurrencyLevel => MaxThreads;

    /// <summary>Starts an asynchronous body on the scheduler's threads.</summary>
    public Task Run(Func<Task> body) => Task.Factory.StartNew(
        body, CancellationToken.None, TaskCreationOptions.DenyChildAttach, this).Unwrap();

    /// <inheritdoc/>
    protected override void QueueTask(Task task)
    {
        _queue.Add(task);
        AddThreadIfNeeded();
    }

    /// <inheritdoc/>
    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) =>
        !taskWasPreviouslyQueued && Current == this && TryExecuteTask(task);

    /// <inheritdoc/>
    protected override IEnumerable<Task> GetScheduledTasks() => _queue;

    private void AddThreadIfNeeded()
    {
        if (_queue.Count <= Volatile.Read(ref _idle))
        {
            return;
        }

        if (Interlocked.Increment(ref _threads) > MaxThreads)
        {
            Interlocked.Decrement(ref _threads);
            return;
        }

        new Thread(Work) { IsBackground = true, Name = "shipping" }.Start();
    }

    private void Work()
    {
        LowerPriority();
        do
        {
            while (TryTake(out var task))
            {
                // A task that was queued just now may have relied on this thread, which may be blocked for long.
                AddThreadIfNeeded();
                TryExecuteTask(task);
            }

            Interlocked.Decrement(ref _threads);
        }
        while (IsNeeded());
    }

    // A thread starts with the priority of its creator, which may be one of these: the process's own priority applies.
    private static void LowerPriority()
    {
        var own = NativeMethods.GetPriority(NativeMethods.PriorityOfThread, Environment.ProcessId);
        if (NativeMethods.SetPriority(NativeMethods.PriorityOfThread, 0, Math.Min(own + Niceness, 19)) != 0)
        {
            throw new InvalidOperationException(
                $"a thread cannot lower its priority: {Marshal.GetLastPInvokeErrorMessage()}");
        }
    }

    private bool TryTake([NotNullWhen(true)] out Task? task)
    {
        if (_queue.TryTake(out task))
        {
            return true;
        }

        Interlocked.Increment(ref _idle);
        try
        {
            return _queue.TryTake(out task, IdleTime);
        }
        finally
        {
            Interlocked.Decrement(ref _idle);
        }
    }

    /// <summary>
    /// Returns whether the thread must continue, because a task that was queued while it was about to end may have
    /// relied on it.
    /// </summary>
    private bool IsNeeded()
    {
        if (_queue.Count == 0)
        {
            return false;
        }

        Interlocked.Increment(ref _threads);
        return true;
    }
}
