using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.Engine.Observations;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// The guest's write path to the disks: captures each batch of changes, writes it to its disk and ends it.
/// </summary>
/// <remarks>
/// <b>Locks</b>: no fields to guard. A batch takes the order lock for its ticket, its ordering and its end, and to
/// check whether it leaves none in progress; it takes a map's gate for the first write into an extent. The device is
/// written under no lock. Tickets are reused, so capturing a batch allocates nothing.
/// </remarks>
internal sealed class GuestWrites(
    WriteOrder order, WriteCapture capture, VolumeGenerations generations, DiskFlushes flushes,
    DiskObservations observations, VolumeSignals signals)
{
    /// <summary>Writes a batch of changes to a disk; on return a FUA batch is durable.</summary>
    /// <exception cref="BlockDeviceException">
    /// The guest may not write, the disk or the map reports an error, or a sync failed.
    /// </exception>
    public void Write(VolumeDisk disk, ReadOnlySpan<BlockChange> changes)
    {
        var ticket = order.Rent();
        ticket.Load(disk.Index, changes);
        var durable = ticket.ForceUnitAccess;
        var entered = false;
        try
        {
            if (ticket.Count > 0)
            {
                capture.Enter(disk, ticket);
                entered = true;
                signals.SignalWork();
                WriteToDevice(disk, ticket);
            }
        }
        finally
        {
            if (entered)
            {
                order.Finish(ticket);
                observations.NoteQuiet();
            }
            else
            {
                order.Return(ticket);
            }

            signals.PublishCondition();
        }

        if (durable)
        {
            flushes.Flush(disk);
        }
    }

    private void WriteToDevice(VolumeDisk disk, WriteTicket ticket)
    {
        try
        {
            disk.Device.Write(ticket.Changes);
        }
        catch
        {
            generations.Request(DirtyCause.DeviceWriteFailed);
            capture.MarkUncertain(disk, ticket);
            throw;
        }
    }
}
