using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Resync;

/// <summary>
/// Decides which extents are probed, copied and cleared, in which order. Pure: no I/O, no clock; the same inputs give
/// the same slots. Not safe to use from several threads.
/// </summary>
/// <remarks>
/// Invariants. An extent is cleared only after the receiver acknowledged as durable the last frame about it (I11, I13).
/// At most <c>maxOutstanding</c> extents are between Queued and Settling, so memory for hashes is bounded. Blocks are
/// copied without comparison only while the replica's extent is known to hold nothing but what the log brought.
/// </remarks>
internal sealed class ResyncMachine(int maxOutstanding)
{
    private readonly Queue<ExtentWork> _queued = new();
    private readonly Queue<ExtentWork> _urgent = new();
    private readonly Dictionary<ulong, ExtentWork> _awaitingAnswer = [];
    private readonly PriorityQueue<ExtentWork, ulong> _settling = new();
    private readonly Queue<DirtyExtent> _cleared = new();
    private readonly HashSet<(int Disk, long Offset)> _begun = [];
    private int _outstanding;

    /// <summary>Bytes of the extents that this resync began with or was given since.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>Bytes of the extents that are done and durable.</summary>
    public long DoneBytes { get; private set; }

    /// <summary>Extents whose root was answered.</summary>
    public long ExtentsCompared { get; private set; }

    /// <summary>Extents whose root differed.</summary>
    public long ExtentsDifferent { get; private set; }

    /// <summary>Nothing to send and no answer awaited; something may still settle.</summary>
    public bool AllSent => _queued.Count == 0 && _urgent.Count == 0 && _awaitingAnswer.Count == 0;

    /// <summary>Extents whose last frame is not yet durable.</summary>
    public int Settling => _settling.Count;

    /// <summary>Everything is done, durable and handed out to be cleared.</summary>
    public bool Idle => AllSent && _settling.Count == 0 && _cleared.Count == 0;

    /// <summary>Takes a snapshot of dirty extents. What an earlier one had queued and not begun is dropped.</summary>
    public void Begin(IReadOnlyList<DirtyExtent> extents, bool emptyReplica)
    {
        foreach (var dropped in _queued)
        {
            TotalBytes -= dropped.Extent.Length;
        }

        _queued.Clear();
        foreach (var extent in extents)
        {
            var copy = emptyReplica && !_begun.Contains((extent.Disk, extent.Offset));
            _queued.Enqueue(new ExtentWork(extent, copy));
            TotalBytes += extent.Length;
        }
    }

    /// <summary>The next place in the stream to be used; it must be reserved (or inspected) at once.</summary>
    public bool TryNext(out ResyncSlot slot)
    {
        slot = default;
        if (_urgent.TryPeek(out var work))
        {
            if (work.Stage == ExtentStage.Probing)
            {
                _urgent.Dequeue();
                slot = new ResyncSlot(ResyncSlotKind.BlockProbe, work, 0, work.Blocks);
                return true;
            }

            var (first, count) = work.TakeRun();
            if (work.Pending == 0)
            {
                _urgent.Dequeue();
            }

            slot = new ResyncSlot(work.Copy ? ResyncSlotKind.Copy : ResyncSlotKind.Data, work, first, count);
            return true;
        }

        if (_outstanding >= maxOutstanding || !_queued.TryDequeue(out work))
        {
            return false;
        }

        _outstanding++;
        _begun.Add((work.Extent.Disk, work.Extent.Offset));
        slot = new ResyncSlot(work.Copy ? ResyncSlotKind.Inspect : ResyncSlotKind.RootProbe, work, 0, work.Blocks);
        return true;
    }

    /// <summary>The extent's allocated blocks, as <see cref="ResyncSlotKind.Inspect"/> asked for.</summary>
    public void Inspected(ExtentWork work, ulong allocated)
    {
        work.Pending = allocated;
        if (allocated == 0)
        {
            // The replica held nothing here and holds nothing now: there is no frame to wait for.
            _outstanding--;
            Done(work);
            return;
        }

        work.Stage = ExtentStage.Sending;
        _urgent.Enqueue(work);
    }

    /// <summary>The slot stands in the stream as this frame.</summary>
    public void Reserved(in ResyncSlot slot, ulong sequence)
    {
        var work = slot.Work;
        work.LastSequence = sequence;
        switch (slot.Kind)
        {
            case ResyncSlotKind.RootProbe:
                work.Stage = ExtentStage.Rooting;
                _awaitingAnswer.Add(sequence, work);
                break;
            case ResyncSlotKind.BlockProbe:
                _awaitingAnswer.Add(sequence, work);
                break;
            default:
                if (work.Pending == 0)
                {
                    Settle(work);
                }

                break;
        }
    }

    /// <summary>The receiver's answer to a probe: which blocks differ; for a root, any bit means that it
    /// differs.</summary>
    /// <exception cref="InvalidDataException">No probe of this number is open.</exception>
    public void Answered(ulong sequence, ulong differing)
    {
        if (!_awaitingAnswer.Remove(sequence, out var work))
        {
            throw new InvalidDataException($"The receiver replied to frame {sequence}, which is not an open probe.");
        }

        if (work.Stage == ExtentStage.Rooting)
        {
            ExtentsCompared++;
            ExtentsDifferent += differing == 0 ? 0 : 1;
            if (differing != 0)
            {
                work.Stage = ExtentStage.Probing;
                _urgent.Enqueue(work);
                return;
            }
        }

        work.Hashes = null;
        work.Pending = differing & BlockHashTree.MaskOf(work.Blocks);
        if (work.Pending == 0)
        {
            Settle(work);
            return;
        }

        work.Stage = ExtentStage.Sending;
        _urgent.Enqueue(work);
    }

    /// <summary>Every frame up to this one is durable.</summary>
    public void Durable(ulong sequence)
    {
        while (_settling.TryPeek(out var work, out var last) && last <= sequence)
        {
            _settling.Dequeue();
            Done(work);
        }
    }

    /// <summary>Takes an extent that may be cleared.</summary>
    public bool TryTakeCleared(out DirtyExtent extent) => _cleared.TryDequeue(out extent);

    private void Settle(ExtentWork work)
    {
        work.Stage = ExtentStage.Settling;
        work.Hashes = null;
        _outstanding--;
        _settling.Enqueue(work, work.LastSequence);
    }

    private void Done(ExtentWork work)
    {
        DoneBytes += work.Extent.Length;
        _cleared.Enqueue(work.Extent);
    }
}
