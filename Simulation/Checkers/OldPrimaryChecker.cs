using ReplicationEngine.Engine.ProtectedVms;
using ReplicationEngine.Simulation.World;

namespace ReplicationEngine.Simulation.Checkers;

/// <summary>
/// I16: a source that learned of a failover accepts no writes, and keeps the content that only it has.
/// </summary>
internal sealed class OldPrimaryChecker : Checker
{
    /// <inheritdoc/>
    public override string Id => "I16";

    /// <inheritdoc/>
    public override void Wrote(SimVm vm, SeenWrite seen)
    {
        if (ReferenceEquals(seen.Model, vm.Models.Source) && seen.WhileFenced)
        {
            throw Broken(vm, $"the fenced source took write {seen.Write.After}");
        }
    }

    /// <inheritdoc/>
    public override void Minute(SimVm vm)
    {
        if (vm.Agent is { Alive: true, Role: SourceRole.Fenced, Volume: not null }
            && vm.Models.Source.Difference(vm.Agent.Content(vm.Agent.Raw())) is { } difference)
        {
            throw Broken(vm, $"the fenced source's disks changed: {difference}");
        }
    }
}
