using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I15: after the target side has taken over, nothing from the old source is accepted. Two sides never accept writes
/// under one term.
/// </summary>
internal sealed class OnePrimaryChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I15";

    /// <inheritdoc/>
    public override void Applied(SimVm vm, SeenRecords seen)
    {
        if (vm.Models.Live is not null && vm.Target.Live is not null)
        {
            throw Broken(vm, $"a sender of term {seen.SenderTerm} was heard after the failover");
        }
    }

    /// <inheritdoc/>
    public override void Wrote(SimVm vm, SeenWrite seen)
    {
        if (ReferenceEquals(seen.Model, vm.Models.Source) && vm.Models.Live is not null
            && vm.Target.Live?.Source is { } live
            && !vm.Agent.Storage.IsDead && seen.Volume.Term.CompareTo(live.Term) == 0
            && vm.Host.State?.Phase is Engine.ProtectedVms.Phase.CommitPending
                or Engine.ProtectedVms.Phase.FailedOver)
        {
            throw Broken(vm, $"source and target both take writes under term {live.Term}");
        }
    }
}
