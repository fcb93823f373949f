using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Engine.Observations;
using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Workloads;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A batch of changes to one disk, as the NBD server makes it from the requests of a connection: adjacent and
/// overlapping changes, zeroes, and changes that must be durable on return.
/// </summary>
internal sealed class GuestBatch
{
    private readonly List<(int First, ulong[] Hashes)> _content = [];

    private GuestBatch(int disk) => Disk = disk;

    /// <summary>The number of the disk.</summary>
    public int Disk { get; }

    /// <summary>
    /// The points at which the disk pauses the batch, as bits: before the first change (1), in the middle (2), after
    /// the last one (4).
    /// </summary>
    public int Stops { get; private init; }

    /// <summary>The changes of the batch, in order.</summary>
    public BlockChange[] Changes { get; private set; } = [];

    /// <summary>Whether the whole batch is durable on return.</summary>
    public bool Durable { get; private set; }

    /// <summary>
    /// The changes as the model records them; empty until the batch has entered the order of changes.
    /// </summary>
    public ModelWrite[] Writes { get; private set; } = [];

    /// <summary>The model of the disks that the batch belongs to.</summary>
    public DiskModel Model { get; private set; } = null!;

    /// <summary>The source volume to which the batch was submitted.</summary>
    public SourceVolume Volume { get; private set; } = null!;

    /// <summary>The position of the newest logged change when the batch was submitted.</summary>
    public ChangePosition Before { get; private set; }

    /// <summary>The virtual time at which the batch was submitted.</summary>
    public TimeSpan At { get; private set; }

    /// <summary>The newest number that was acknowledged when the batch was submitted.</summary>
    public long AcknowledgedBefore { get; private set; }

    /// <summary>Whether the source was fenced when the batch was submitted.</summary>
    public bool WhileFenced { get; private set; }

    /// <summary>The thread that runs the batch.</summary>
    public Strand Strand { get; set; } = null!;

    /// <summary>Whether another write has finished since this batch last ran.</summary>
    public bool Woken { get; set; }

    /// <summary>Draws a batch.</summary>
    public static GuestBatch Draw(SimVm vm, SplittableRandom random)
    {
        var sector = random.Next(vm.Shape.Sectors);
        var (disk, _, _) = vm.Shape.Place(sector);
        var batch = new GuestBatch(disk) { Stops = random.Between(1, 8) };
        var changes = new List<BlockChange>();
        for (var count = random.Between(1, 6); changes.Count < count;)
        {
            var (at, offset, left) = vm.Shape.Place(sector);
            if (at != disk)
            {
                break;
            }

            var length = Math.Min(random.Between(1, 12), left);
            var zeroes = random.Chance(0.15);
            var data = new byte[length * 512];
            if (!zeroes)
            {
                random.Fill(data);
            }

            var change = zeroes ? BlockChange.Zeroes(offset, data.Length, random.Chance(0.5))
                : BlockChange.Write(offset, data);
            changes.Add(change with { ForceUnitAccess = random.Chance(0.1) });
            batch._content.Add((sector, DiskModel.HashesOf(data)));
            sector = random.Next(4) switch
            {
                0 => Math.Max(0, sector - random.Between(0, 8)),
                1 => random.Next(vm.Shape.Sectors),
                _ => sector + length,
            };
            sector = Math.Min(sector, vm.Shape.Sectors - 1);
        }

        batch.Changes = [.. changes];
        batch.Durable = changes.Exists(c => c.ForceUnitAccess);
        return batch;
    }

    /// <summary>Records the state of the source at the moment of submission.</summary>
    public void Submitted(SourceVolume volume, SimVm vm, ChangePosition before)
    {
        (Volume, Model, Before) = (volume, vm.Models.Source, before);
        AcknowledgedBefore = vm.Guest.AcknowledgedBy(volume);
        WhileFenced = vm.Agent.Role == SourceRole.Fenced;
    }

    /// <summary>Records the numbers of the batch, if the log contains it.</summary>
    public void Entered(ChangePosition tail, ChangePosition before, TimeSpan now)
    {
        At = now;
        var logged = tail.CompareTo(before) > 0 && Volume.Condition.Mode == CaptureMode.Logging;
        var first = tail.Lsn.Value - (logged ? Changes.Length - 1 : 0);
        Writes = [.. _content.Select((c, i) => new ModelWrite(
            logged ? first + i : first, logged, c.First, c.Hashes, now))];
        Model.Entered(Writes);
    }

    /// <summary>Records that the batch failed with an error.</summary>
    public void Refused(BlockDeviceException error)
    {
        foreach (var write in Writes)
        {
            if (write.Logged || Strand.Taken)
            {
                // The write is in the log, or on the disk apart from the sync that failed.
                Model.Wrote(write with { Adopted = true });
            }
            else if (error.Errno is not (BlockDeviceException.Shutdown or BlockDeviceException.NotPermitted))
            {
                Model.Failed(write.First, write.Hashes);
            }
        }
    }

    /// <summary>Draws the time that the disk needs until its next pause.</summary>
    public static TimeSpan DeviceTime(SplittableRandom random) => random.Chance(0.8)
        ? random.Between(TimeSpan.FromMilliseconds(1), TimeSpan.FromMilliseconds(60))
        : random.Between(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(7));
}
