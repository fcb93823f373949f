using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The order of a VM's changes: assigns numbers, tracks the changes in progress, and makes a change wait for earlier
/// ones that touch the same bytes. <see cref="Gate"/> is the volume's order lock.
/// </summary>
/// <remarks>
/// Changes are in a list in the order of their numbers. A change may go to the disk when no earlier unfinished one in
/// the list overlaps it; because only higher numbers wait for lower ones, there is no deadlock. Everything below the
/// list's head is on the disks: that is the completed number, which rises without gaps (I1).
/// </remarks>
public class WriteOrder
{
    private readonly Stack<WriteTicket> _free = new();
    private WriteTicket? _head;
    private WriteTicket? _tail;
    private int _waiting;

    /// <summary>The order lock; a monitor, because threads wait on it.</summary>
    public object Gate { get; } = new OrderLock();

    /// <summary>The newest assigned number. Under the lock.</summary>
    public Lsn Newest { get; private set; }

    /// <summary>The number up to which all changes are on the disks. Under the lock.</summary>
    public virtual Lsn Completed => _head is null ? Newest : new Lsn(_head.First.Value - 1);

    /// <summary>The count of numbers assigned since the volume was opened. Under the lock.</summary>
    public long Numbered { get; private set; }

    /// <summary>Raises the newest number; never lowers it. Under the lock.</summary>
    public void StartAt(Lsn newest) => Newest = new Lsn(Math.Max(newest.Value, Newest.Value));

    /// <summary>Returns an empty ticket.</summary>
    public WriteTicket Rent()
    {
        lock (Gate)
        {
            return _free.TryPop(out var ticket) ? ticket : new WriteTicket();
        }
    }

    /// <summary>Puts a ticket back into the pool if it was never entered in the list.</summary>
    public void Return(WriteTicket ticket)
    {
        ticket.Clear();
        lock (Gate)
        {
            _free.Push(ticket);
        }
    }

    /// <summary>Assigns the next number to a change that is completed at once. Under the lock.</summary>
    public Lsn Next()
    {
        Numbered++;
        return Newest = Newest.Next();
    }

    /// <summary>Assigns numbers to a batch and adds it to the list. Under the lock.</summary>
    public void Enter(WriteTicket ticket, int numbers)
    {
        Numbered += numbers;
        ticket.First = Newest.Next();
        ticket.Last = Newest = new Lsn(Newest.Value + numbers);
        if (_tail is null)
        {
            _head = ticket;
        }
        else
        {
            _tail.Next = ticket;
        }

        _tail = ticket;
    }

    /// <summary>
    /// Waits until no earlier overlapping change is in progress. Under the lock, which is released while waiting.
    /// </summary>
    public virtual void WaitForTurn(WriteTicket ticket)
    {
        while (MustWait(ticket))
        {
            Wait();
        }
    }

    /// <summary>Waits until everything up to a number is on the disks. Under the lock.</summary>
    public virtual void WaitForCompletion(Lsn through)
    {
        while (Completed.Value < through.Value)
        {
            Wait();
        }
    }

    /// <summary>Records that a batch is on the disk, or failed.</summary>
    public void Finish(WriteTicket ticket)
    {
        lock (Gate)
        {
            ticket.Done = true;
            while (_head is { Done: true } first)
            {
                _head = first.Next;
                _tail = _head is null ? null : _tail;
                first.Clear();
                _free.Push(first);
            }

            if (_waiting > 0)
            {
                Pulse();
            }
        }
    }

    /// <summary>
    /// Blocks until a batch may have finished, with the lock released meanwhile. Under the lock. The simulator replaces
    /// it, because its guests wait in virtual time.
    /// </summary>
    protected virtual void Block() => Monitor.Wait(Gate);

    /// <summary>Wakes all blocked threads. Under the lock.</summary>
    protected virtual void Pulse() => Monitor.PulseAll(Gate);

    private bool MustWait(WriteTicket ticket)
    {
        for (var earlier = _head; earlier is not null && earlier != ticket; earlier = earlier.Next)
        {
            if (!earlier.Done && earlier.Overlaps(ticket))
            {
                return true;
            }
        }

        return false;
    }

    private void Wait()
    {
        _waiting++;
        Block();
        _waiting--;
    }

    /// <summary>Names the lock in stack dumps.</summary>
    private sealed class OrderLock;
}
