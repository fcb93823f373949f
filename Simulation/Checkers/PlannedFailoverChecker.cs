using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;
using ReplicationEngine.Orchestration.Targets;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>I22: a planned failover loses no acknowledged write.</summary>
internal sealed class PlannedFailoverChecker(SimWorld world) : Checker
{
    private readonly Dictionary<SimVm, TimeSpan> _started = [];

    /// <inheritdoc/>
    public override string Id => "I22";

    /// <inheritdoc/>
    public override void Stored(SimVm vm, ProtectedVmEvent @event)
    {
        if (@event is ProtectedVmEvent.FailoverStarted)
        {
            _started[vm] = world.Queue.Now;
        }
    }

    /// <inheritdoc/>
    public override void FailedOver(SimVm vm, RecoveredMachine copy, ulong[] content)
    {
        // A source that was restored since the failover started holds less than it had written.
        if (vm.Host.State?.Phase is Phase.FailingOver { Kind: FailoverKind.Planned } && !vm.Ledger.SourceCut
            && !vm.Ledger.Damaged
            && !(_started.TryGetValue(vm, out var started) && vm.Models.ForkedAt > started)
            && vm.Models.Source.Difference(content) is { } difference)
        {
            var lost = vm.Models.Source.Writes.LastOrDefault(w => Enumerable.Range(0, w.Hashes.Length).Any(i =>
                content[w.First + i] != vm.Models.Source.Current[w.First + i]));
            throw Broken(
                vm, $"the planned failover to cut {copy.Point.Lsn} lost acknowledged writes: {difference}; the last "
                + $"is {lost?.After} of {lost?.At} at sector {lost?.First}, logged: {lost?.Logged}");
        }
    }
}
