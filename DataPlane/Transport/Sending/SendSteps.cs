using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Resync;
using ReplicationEngine.DataPlane.Transport.Framing;

namespace ReplicationEngine.DataPlane.Transport.Sending;

/// <summary>
/// Runs the steps of a <see cref="SendMachine"/> at the source, one at a time and without waiting. The owner waits, and
/// fills and sends the slots: the session's pump is one owner, the simulator another. Not safe to use from several
/// threads.
/// </summary>
public sealed class SendSteps(SendMachine machine, IChangeSource source, SendOptions options)
{
    private readonly LogBuffers _logs = new();

    /// <summary>The buffers for log batches; the filler of a slot returns its buffer.</summary>
    public LogBuffers Logs => _logs;

    /// <summary>Runs any step except waiting; returns the reserved frame, or null.</summary>
    public SendSlot? Execute(in SendAction action, TimeSpan now)
    {
        switch (action.Step)
        {
            case SendStep.ReadLog:
                return ReadLog(now);
            case SendStep.ReadDirty:
                ReadDirty();
                return null;
            case SendStep.Inspect:
                machine.Inspected(action.Slot.Work, Allocated(action));
                return null;
            case SendStep.Acknowledge:
                source.Acknowledge(action.Position);
                return null;
            case SendStep.ClearDirty:
                source.ClearDirty(action.Extent);
                return null;
            case SendStep.Reserve:
                return new SendSlot(action);
            default:
                throw new ArgumentOutOfRangeException(nameof(action), action.Step, "Not a step that can run.");
        }
    }

    private void ReadDirty()
    {
        // The order matters: only then is the tail the right end if nothing is held and nothing dirty.
        var before = source.Tail;
        if (source.IsResyncHeld)
        {
            machine.DirtyHeld();
            return;
        }

        var extents = source.DirtyExtents();
        machine.DirtyRead(before, extents, source.Tail);
    }

    private SendSlot? ReadLog(TimeSpan now)
    {
        var log = _logs.Rent();
        var position = machine.Position;
        source.ReadLog(ref position, log, options.BatchBytes);
        var sequence = machine.LogRead(LogBatch.Scan(log.WrittenSpan), position, now);
        if (sequence == 0)
        {
            _logs.Return(log);
            return null;
        }

        return new SendSlot(new SendAction(SendStep.Reserve, FrameType.Records, sequence, position)) { Log = log };
    }

    private ulong Allocated(in SendAction action)
    {
        // The same rule as for reading: changes that the stream already holds must be on the disk before the disk is
        // read.
        source.WaitForCompletion(action.Position.Lsn);
        var extent = action.Slot.Work.Extent;
        ulong allocated = 0;
        for (long at = 0; at < extent.Length;)
        {
            var run = source.NextRun(extent.Disk, extent.Offset + at, extent.Length - at);
            if (run.State == AllocationState.Data)
            {
                var (first, end) = ((int)(at / BlockHashTree.BlockSize),
                    BlockHashTree.BlockCount((int)(at + run.Length)));
                allocated |= BlockHashTree.MaskOf(end - first) << first;
            }

            at += run.Length;
        }

        return allocated;
    }
}
