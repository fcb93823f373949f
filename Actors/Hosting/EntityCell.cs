// One active entity: its mailbox, its kernel, and the rule that at most one thread runs them at a time.
//
// Whoever posts a letter, or brings the answer to a kernel's question, tries to become the runner (_running 0 -> 1) and
// then works until nothing is left to do. The runner gives the role back with a full fence and looks once more, so a
// letter that arrived in between is never left lying. Running on the poster's own thread saves two thread hops for
// each command; a budget hands long work over to the thread pool, and continuations of those who wait never run here.
//
// The kernel has at most one open question, so one slot is enough for its answer. Letters are read only while the
// kernel accepts commands; a full mailbox makes senders wait. When a cell retires it closes its mailbox first and then
// empties it, so every letter is either handled here, passed on to the entity's next cell, or declined.
using System.Threading.Channels;
using ReplicationEngine.Actors.Entities;
using ReplicationEngine.Engine.Kernel;

namespace ReplicationEngine.Actors.Hosting;

internal enum PostOutcome
{
    Posted,
    Full,
    Retired,
}

internal sealed partial class EntityCell<TAggregate, TState, TCommand, TEvent> : IThreadPoolWorkItem
    where TAggregate : IAggregate<TState, TCommand, TEvent>
    where TState : class
    where TCommand : class
    where TEvent : class
{
    private const int LettersPerTurn = 64;

    private readonly ShardRegion<TAggregate, TState, TCommand, TEvent> _region;
    private readonly PersistenceId _id;
    private readonly EntityKernel<TAggregate, TState, TCommand, TEvent> _kernel;
    private readonly Channel<ILetter> _mailbox;
    private CommandLetter<TCommand>? _current;
    private EntityInput<TCommand>? _answer;
    private int _running;
    private bool _retired;

    public EntityCell(ShardRegion<TAggregate, TState, TCommand, TEvent> region, PersistenceId id)
    {
        _region = region;
        _id = id;
        _kernel = new(id, region.Codec, region.Lease.Token, region.KernelOptions);
        _mailbox = Channel.CreateBounded<ILetter>(
            new BoundedChannelOptions(region.Services.Options.MailboxCapacity) { SingleReader = true });
    }

    /// <summary>The region's sweep during which it was used last.</summary>
    public long LastUsed { get; private set; }

    public PostOutcome TryPost(ILetter letter)
    {
        if (letter is not IdleLetter)
        {
            LastUsed = _region.Sweep;
        }

        if (_mailbox.Writer.TryWrite(letter))
        {
            TryRun();
            return PostOutcome.Posted;
        }

        return Volatile.Read(ref _retired) ? PostOutcome.Retired : PostOutcome.Full;
    }

    /// <summary>Waits until the mailbox has room; false when the cell has retired.</summary>
    public ValueTask<bool> WaitForRoomAsync(CancellationToken cancellationToken) =>
        _mailbox.Writer.WaitToWriteAsync(cancellationToken);

    /// <inheritdoc/>
    void IThreadPoolWorkItem.Execute() => RunUntilQuiet();

    private void TryRun()
    {
        if (Volatile.Read(ref _running) == 0 && Interlocked.CompareExchange(ref _running, 1, 0) == 0)
        {
            RunUntilQuiet();
        }
    }

    private void RunUntilQuiet()
    {
        var budget = LettersPerTurn;
        do
        {
            while (TakeWork())
            {
                if (--budget == 0)
                {
                    ThreadPool.UnsafeQueueUserWorkItem(this, preferLocal: false);
                    return;
                }
            }

            Interlocked.Exchange(ref _running, 0);
        }
        while (HasWork() && Interlocked.CompareExchange(ref _running, 1, 0) == 0);
    }

    private bool HasWork() =>
        Volatile.Read(ref _answer) is not null || (_kernel.CanAccept && _mailbox.Reader.TryPeek(out _));

    private bool TakeWork()
    {
        if (Volatile.Read(ref _answer) is { } answer)
        {
            _answer = null;
            Advance(answer);
            return true;
        }

        if (_kernel.Phase == EntityPhase.Created)
        {
            Advance(new EntityInput<TCommand>.Started(_region.TakeTimers(_id)));
            return true;
        }

        if (_kernel.CanAccept && _mailbox.Reader.TryRead(out var letter))
        {
            Handle(letter);
            return true;
        }

        return false;
    }

    private void Handle(ILetter letter)
    {
        switch (letter)
        {
            case CommandLetter<TCommand> command:
                _current = command;
                Advance(new EntityInput<TCommand>.Submitted(command.Envelope));
                break;
            case ViewLetter<TState> view:
                Show(view);
                break;
            case WakeLetter:
                Advance(new EntityInput<TCommand>.AlarmRang());
                break;
            case LiftLetter lift:
                LiftQuarantine(lift);
                break;
            case IdleLetter:
                Advance(new EntityInput<TCommand>.IdleTimedOut());
                break;
            case StopLetter stop:
                Retire();
                DeclineRest(ShardRegion.NotRunning);
                stop.TrySetResult();
                break;
            default:
                throw new InvalidOperationException($"The cell of {_id} does not know the letter {letter}.");
        }
    }

    private void Show(ViewLetter<TState> letter)
    {
        if (_kernel.Phase == EntityPhase.Quarantined)
        {
            var cause = _kernel.QuarantineCause!;
            letter.TrySetException(new EntityUnavailableException(new CommandReply.Quarantined(cause), cause));
        }
        else
        {
            letter.TrySetResult(new EntityView<TState>(_kernel.State, _kernel.Head.Sequence));
        }
    }

    private void LiftQuarantine(LiftLetter letter)
    {
        if (_kernel.QuarantineCause is { } cause)
        {
            _region.Services.Logger.QuarantineLifted(_id, cause);
        }

        Advance(new EntityInput<TCommand>.QuarantineLifted());
        letter.TrySetResult();
    }

    private void Retire()
    {
        Volatile.Write(ref _retired, true);
        _mailbox.Writer.TryComplete();
        _region.KeepTimers(_id, _kernel.ArmedTimers);
        _region.Remove(_id, this);
    }

    private void DeclineRest(CommandReply.Unavailable reply)
    {
        while (_mailbox.Reader.TryRead(out var letter))
        {
            letter.Decline(reply);
        }
    }

    private void PassOnRest()
    {
        while (_mailbox.Reader.TryRead(out var letter))
        {
            _region.Deliver(_id, letter);
        }
    }
}
