using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Storage;

namespace ReplicationEngine.DataPlane.Splitting;

/// <summary>
/// Syncs the disks of a volume and records failures: the first failed sync poisons its disk until the volume is opened
/// again (I28).
/// </summary>
/// <remarks>
/// <b>Locks</b>: none of its own. Syncs run in parallel; each disk's <see cref="FlushTracker"/> and the state file lock
/// themselves. May be called under the order lock, with no write in progress.
/// </remarks>
internal sealed class DiskFlushes(VolumeStateFile state, WriteAdmission admission, VolumeSignals signals)
{
    /// <summary>Makes every finished write of a disk durable.</summary>
    /// <exception cref="BlockDeviceException">The volume is closed, or a sync of the disk failed now or
    /// before.</exception>
    public void Flush(VolumeDisk disk) => Flush(disk, withTimes: false);

    /// <summary>Flushes a disk like <see cref="Flush(VolumeDisk)"/>, and also the times of its file.</summary>
    /// <exception cref="BlockDeviceException">The volume is closed, or a sync of the disk failed now or
    /// before.</exception>
    public void FlushTimes(VolumeDisk disk) => Flush(disk, withTimes: true);

    private void Flush(VolumeDisk disk, bool withTimes)
    {
        if (admission.IsClosed)
        {
            throw admission.ClosedError();
        }

        var number = disk.Flushes.Begin();
        if (disk.Flushes.Poison is { } earlier)
        {
            throw new BlockDeviceException(
                $"'{disk.Path}' failed to sync before ({earlier.Message}); open the volume again",
                BlockDeviceException.InputOutput, earlier);
        }

        try
        {
            state.SyncBegins();
            if (withTimes)
            {
                disk.Device.FlushTimes();
            }
            else
            {
                disk.Device.Flush();
            }

            state.SyncEnded();
        }
        catch (IOException e)
        {
            Poison(disk, e);
            throw new BlockDeviceException(e.Message, BlockDeviceException.InputOutput, e);
        }

        disk.Flushes.Succeeded(number);
    }

    private void Poison(VolumeDisk disk, IOException error)
    {
        if (!disk.Flushes.Fail(error))
        {
            return;
        }

        signals.ChangeCondition(c => c with { SyncFailed = true, Detail = error.Message });
        try
        {
            state.Update(s => s with { SyncFailed = true });
        }
        catch (StorageException e)
        {
            throw new BlockDeviceException(
                $"{error.Message}; and the failure could not be recorded: "
                    + $"{e.Message}", BlockDeviceException.InputOutput,
                new AggregateException(error, e));
        }
        finally
        {
            signals.PublishCondition();
        }
    }
}
