using ReplicationEngine.DataPlane.Blocks;
using ReplicationEngine.DataPlane.Splitting;
using ReplicationEngine.Simulation.Checkers;
using ReplicationEngine.Simulation.Kernel;
using ReplicationEngine.Simulation.Storage;

namespace ReplicationEngine.Simulation.World;

/// <summary>
/// A guest at the source that has several batches of writes in progress at once, each over its own connection. Each
/// batch is a <see cref="Strand"/> inside <see cref="SourceVolume"/>. It pauses where the source's disk works and where
/// it waits for its turn. Meanwhile other batches, markers, sessions and maintenance continue.
/// </summary>
internal sealed class GuestConnections(SimWorld world, SimVm vm, SplittableRandom random)
{
    private const int MostAtOnce = 6;
    private readonly List<GuestBatch> _underWay = [];

    /// <summary>Whether no batch is in progress.</summary>
    public bool Idle => _underWay.Count == 0;

    /// <summary>Submits batches, each over a connection that has no other batch in progress.</summary>
    public void Write(long seed, long batches)
    {
        var draw = new SplittableRandom((ulong)seed);
        for (var i = 0; i < batches && _underWay.Count < MostAtOnce; i++)
        {
            if (vm.Agent is { Alive: true, Paused: false, TakesWrites: true, Volume: { } volume })
            {
                vm.Agent.Do(() => Submit(GuestBatch.Draw(vm, draw), volume));
            }
        }
    }

    /// <summary>Runs all batches to their end, because the disk is no longer served.</summary>
    public void Drain()
    {
        while (_underWay.Count > 0)
        {
            RunOne();
        }
    }

    /// <summary>
    /// Called when the agent's process died. Every batch in progress is in the log and on the disk in full, in part or
    /// not at all.
    /// </summary>
    public void Died()
    {
        if (_underWay.Count > 0)
        {
            world.Sometimes.Count(Probes.DiedUnderWay);
        }

        foreach (var batch in _underWay)
        {
            batch.Model.Abandoned(batch.Writes);
        }

        while (_underWay.Count > 0)
        {
            var next = _underWay.Find(b => b.Strand.State == StrandState.AtDevice) ?? _underWay[0];
            if (next.Strand.State != StrandState.Ended)
            {
                next.Strand.Resume();
            }

            if (next.Strand.State == StrandState.Ended)
            {
                _underWay.Remove(next);
            }
        }
    }

    /// <summary>
    /// Blocks the world until a batch has progressed, as a thread of the engine does when it waits for the guest's
    /// writes.
    /// </summary>
    /// <exception cref="InvariantBrokenException">All batches wait, and none is in progress for which they could
    /// wait.</exception>
    public void RunOne()
    {
        world.Sometimes.Count(Probes.EngineWaits);
        var next = _underWay.Find(b => b.Strand.State == StrandState.AtDevice) ?? _underWay.Find(b => b.Woken)
            ?? throw new InvariantBrokenException(
                "deadlock", $"{vm.Name}: the engine waits for the guest's writes, and {_underWay.Count} of them "
                + "wait for it");
        Step(next);
    }

    /// <summary>Called when a write has finished. Batches that wait may continue.</summary>
    public void Wake()
    {
        foreach (var batch in _underWay)
        {
            batch.Woken = true;
        }
    }

    private void Submit(GuestBatch batch, SourceVolume volume)
    {
        var before = volume.Tail;
        batch.Submitted(volume, vm, before);
        var disk = world.Parts.GuestDisk(volume, batch.Disk);
        if (_underWay.Count > 0)
        {
            world.Sometimes.Count(Probes.BatchesAtOnce);
        }

        batch.Strand = world.Strands.Start(() => disk.Write(batch.Changes), batch.Stops);
        batch.Entered(volume.Tail, before, world.Queue.Now);
        vm.Models.LastNumber = batch.Writes is [.., { Logged: true } last] ? last.After : vm.Models.LastNumber;
        if (batch.Strand.State == StrandState.Waiting)
        {
            world.Sometimes.Count(Probes.BatchWaits);
        }

        _underWay.Add(batch);
        vm.Agent.Session?.Poke();
        Went(batch);
    }

    private void Step(GuestBatch batch)
    {
        if (_underWay.Contains(batch))
        {
            batch.Woken = false;
            batch.Strand.Resume();
            Went(batch);
        }
    }

    /// <summary>Decides how a batch continues, after it ran as far as it could.</summary>
    private void Went(GuestBatch batch)
    {
        switch (batch.Strand.State)
        {
            case StrandState.AtDevice:
                vm.Agent.After(GuestBatch.DeviceTime(random), () => Step(batch));
                break;
            case StrandState.Ended:
                Ended(batch);
                break;
            default:
                break;
        }
    }

    private void Ended(GuestBatch batch)
    {
        switch (batch.Strand.Failure)
        {
            case null:
                _underWay.Remove(batch);
                Acknowledged(batch);
                break;
            case BlockDeviceException e:
                _underWay.Remove(batch);
                batch.Refused(e);
                world.Checkers.Refused(vm, batch.Model, batch.Volume, e);
                break;
            case SimulatedDeathException:
                // The batch stays in progress. Its outcome is determined when the process is dead.
                throw new SimulatedDeathException();
            case var e:
                _underWay.Remove(batch);
                throw new InvariantBrokenException("crash", $"{e.GetType().Name}: {e.Message}\n{e.StackTrace}");
        }

        foreach (var waiting in _underWay.Where(b => b.Strand.State == StrandState.Waiting).ToArray())
        {
            vm.Agent.After(TimeSpan.Zero, () => Step(waiting));
        }
    }

    private void Acknowledged(GuestBatch batch)
    {
        world.Trace.Note("batch", batch.Writes[^1].After);
        foreach (var write in batch.Writes)
        {
            batch.Model.Wrote(write, batch.Durable);
            world.Checkers.Wrote(
                vm, new SeenWrite(batch.Model, batch.Volume, write, batch.Before)
                {
                    AcknowledgedBefore = batch.AcknowledgedBefore,
                    WhileFenced = batch.WhileFenced,
                    UnderWayFor = world.Queue.Now - batch.At,
                });
        }

        if (batch.Durable)
        {
            world.Checkers.Flushed(vm, batch.Volume, batch.Disk, null);
        }

        vm.Agent.Session?.Poke();
    }
}

/// <summary>
/// The order of changes of a source whose guest's batches are strands. A strand that must wait yields to the others.
/// </summary>
internal class SimWriteOrder(GuestConnections guests) : WriteOrder
{
    /// <inheritdoc/>
    protected override void Block()
    {
        Monitor.Exit(Gate);
        try
        {
            if (Strand.Current is { } strand)
            {
                strand.GiveWay(StrandState.Waiting);
            }
            else
            {
                guests.RunOne();
            }
        }
        finally
        {
            Monitor.Enter(Gate);
        }
    }

    /// <inheritdoc/>
    protected override void Pulse() => guests.Wake();
}
