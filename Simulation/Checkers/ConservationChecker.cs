using ReplicationEngine.DataPlane.Changes;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I30: what was shipped is applied or in flight; what was captured and not acknowledged is pending: each acknowledged
/// write of the present generation is at or below the log's end.
/// </summary>
internal sealed class ConservationChecker : Checker
{
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

        if (vm.Agent is { Alive: true, Volume: { } volume } && vm.Source.Writes is [.., { Logged: true, Adopted: false } newest]
            && volume.Tail.CompareTo(new ChangePosition(volume.Tail.Generation, new(newest.After))) < 0)
        {
            throw Broken(vm, $"write {newest.After} was captured, and the log ends at {volume.Tail}");
        }
    }

    /// <inheritdoc/>
    public override void Wrote(SimVm vm, SeenWrite seen)
    {
        if (seen.Write.Logged && seen.Volume.BytesAfter(seen.Before) <= 0)
        {
            throw Broken(vm, $"write {seen.Write.After} was logged, and the log has no bytes after {seen.Before}");
        }
    }
}
