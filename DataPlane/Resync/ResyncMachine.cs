using ReplicationEngine.DataPlane.Changes;

namespace ReplicationEngine.DataPlane.Resync;

/// <summary>
/// Decides which extents are probed, copied and cleared, in which order. Pure: no I/O, no clock; the same inputs give
/// the same slots. Not safe to use from several threads.
/// </summary>
/// <remarks>
/// Invariants. An extent is cleared only after the receiver acknowledged as durable the last frame about it (I11, I13).
/// At most <c>maxOutstanding</c> extents are between Queued and Settling, so memory for hashes is bounded. Blocks are
/// copied without comparison only while the replica's extent is known to hold nothing except data from the log.
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

    /// <summary>The bytes of the extents in this resync, including those added since its start.</summary>
    public long TotalBytes { get; private set; }

    /// <summary>The bytes of the extents that are complete and durable.</summary>
    public long DoneBytes { get; private set; }

    /// <summary>The number of extents for whose root probe the reply has arrived.</summary>
    public long ExtentsCompared { get; private set; }

    /// <summary>The number of extents whose root differed.</summary>
    public long ExtentsDifferent { get; private set; }

    /// <summary>Whether nothing is left to send and no reply is outstanding; extents may still settle.</summary>
    public bool AllSent => _queued.Count == 0 && _urgent.Count == 0 && _awaitingAnswer.Count == 0;

    /// <summary>The number of extents whose last frame is not yet durable.</summary>
    public int Settling => _settling.Count;

    /// <summary>Whether all extents are complete, durable and returned for clearing.</summary>
    public bool Idle => AllSent && _settling.Count == 0 && _cleared.Count == 0;

    /// <summary>
    /// Starts with a snapshot of dirty extents. Drops the extents of an earlier snapshot that were queued and not
    /// started.
    /// </summary>
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

    /// <summary>Returns the next slot for the stream; the caller must reserve (or inspect) it at once.</summary>
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

    /// <summary>Receives the extent's allocated blocks, as <see cref="ResyncSlotKind.Inspect"/> requested.</summary>
    public void Inspected(ExtentWork work, ulong allocated)
    {
        work.Pending = allocated;
        if (allocated == 0)
        {
            // Neither side holds data here now, so there is no frame to wait for; later writes come in the log.
            _outstanding--;
            Done(work);
            return;
        }

        work.Stage = ExtentStage.Sending;
        _urgent.Enqueue(work);
    }

    /// <summary>Records the sequence number of the frame that carries the slot.</summary>
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

    /// <summary>
    /// Receives the reply to a probe: the blocks that differ. For a root, any bit means that it differs.
    /// </summary>
    /// <exception cref="InvalidDataException">No probe with this sequence number is outstanding.</exception>
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

    /// <summary>Records that every frame up to this one is durable.</summary>
    public void Durable(ulong sequence)
    {
        while (_settling.TryPeek(out var work, out var last) && last <= sequence)
        {
            _settling.Dequeue();
            Done(work);
        }
    }

    /// <summary>Removes an extent that may be cleared and returns it.</summary>
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
