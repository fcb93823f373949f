using ReplicationEngine.Engine.Identifiers;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The order of a VM's changes: gives out numbers, knows which changes are still on their way to the disks, and makes a
/// change wait for those before it that touch the same bytes. Its <see cref="Gate"/> is the volume's order lock.
/// </summary>
/// <remarks>
/// Changes stand in a list in the order of their numbers. A change may go to the disk when no earlier one in the list
/// that is not done overlaps it; since waiting goes from higher to lower numbers only, nothing waits in a circle.
/// Everything below the list's head is on the disks: that is the completed number, which rises without gaps (I1).
/// </remarks>
public class WriteOrder
{
    private readonly Stack<WriteTicket> _free = new();
    private WriteTicket? _head;
    private WriteTicket? _tail;
    private int _waiting;

    /// <summary>The order lock; a monitor, because threads wait on it.</summary>
    public object Gate { get; } = new OrderLock();

    /// <summary>The newest number given out. Under the lock.</summary>
    public Lsn Newest { get; private set; }

    /// <summary>All changes up to here are on the disks. Under the lock.</summary>
    public virtual Lsn Completed => _head is null ? Newest : new Lsn(_head.First.Value - 1);

    /// <summary>How many numbers were given out since the volume was opened. Under the lock.</summary>
    public long Numbered { get; private set; }

    /// <summary>Moves the numbers up; never down. Under the lock.</summary>
    public void StartAt(Lsn newest) => Newest = new Lsn(Math.Max(newest.Value, Newest.Value));

    /// <summary>A ticket to fill.</summary>
    public WriteTicket Rent()
    {
        lock (Gate)
        {
            return _free.TryPop(out var ticket) ? ticket : new WriteTicket();
        }
    }

    /// <summary>Gives back a ticket that was never entered.</summary>
    public void Return(WriteTicket ticket)
    {
        ticket.Clear();
        lock (Gate)
        {
            _free.Push(ticket);
        }
    }

    /// <summary>Takes the next number for something that is done at once. Under the lock.</summary>
    public Lsn Next()
    {
        Numbered++;
        return Newest = Newest.Next();
    }

    /// <summary>Gives a batch its numbers and puts it in the list. Under the lock.</summary>
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
    /// Waits until no earlier change that overlaps is on its way. Under the lock, which it lets go while waiting.
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

    /// <summary>Notes that a batch is on the disk, or failed.</summary>
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

    /// <summary>Blocks until a batch may have finished, with the lock let go meanwhile. Under the lock. The simulator
    /// replaces it, because its guests wait in virtual time.</summary>
    protected virtual void Block() => Monitor.Wait(Gate);

    /// <summary>Wakes all that block. Under the lock.</summary>
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
