using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.Workloads;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I30: all bytes that were sent are applied or in flight, and all writes that were captured and not acknowledged by
/// the replica are pending. So each acknowledged write of the present generation is at or below the log's end. Writes
/// from before a power cut are exempt: the log is not synced, and the writes that it lost are in extents that a resync
/// compares (I2, I13).
/// </summary>
internal sealed class ConservationChecker : Checker
{
    private readonly HashSet<SimVm> _cut = [];

    /// <inheritdoc/>
    public override string Id => "I30";

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        if (vm.Agent.Session is { Open: true } session)
        {
            var (shipped, applied, inFlight) = session.LogBytes;
            if (shipped != applied + inFlight)
            {
                throw Broken(vm, $"{shipped} bytes shipped, {applied} applied and {inFlight} in flight");
            }
        }

        if (!_cut.Contains(vm) && vm.Agent is { Alive: true, Volume: { } volume }
            && vm.Models.Source.Writes is [.., { Logged: true, Adopted: false } newest]
            && volume.Tail.CompareTo(new ChangePosition(volume.Tail.Generation, new(newest.After))) < 0)
        {
            throw Broken(vm, $"write {newest.After} was captured, and the log ends at {volume.Tail}");
        }
    }

    /// <inheritdoc/>
    public override void Reopened(SimVm vm, bool powerCut, ulong[] actual, DiskModel model)
    {
        if (powerCut && ReferenceEquals(model, vm.Models.Source))
        {
            _cut.Add(vm);
        }
    }

    /// <inheritdoc/>
    public override void Wrote(SimVm vm, SeenWrite seen)
    {
        if (seen.Write.Logged && ReferenceEquals(seen.Model, vm.Models.Source))
        {
            _cut.Remove(vm);
        }

        if (seen.Write.Logged && seen.UnderWayFor == TimeSpan.Zero && seen.Volume.BytesAfter(seen.Before) <= 0)
        {
            throw Broken(vm, $"write {seen.Write.After} was logged, and the log has no bytes after {seen.Before}");
        }
    }
}
